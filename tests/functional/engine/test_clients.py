"""Clients as they are published: clickhouse-connect, plain HTTP, and clickhouse-go where Go is installed."""

import gzip
import io
import json
import os
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import clickhouse_connect
import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
import zstandard
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from streams.local.engine.hello import hello_block
from tests.functional.engine.conftest import FULL, READER, Endpoint


def connect(endpoint: Endpoint, user: tuple[str, str] = FULL, **options: Any) -> Client:
    name, password = user
    return clickhouse_connect.get_client(
        host="127.0.0.1", port=endpoint.port, username=name, password=password, **options
    )


@pytest.fixture
def client(endpoint: Endpoint) -> Iterator[Client]:
    opened = connect(endpoint, database="w")
    opened.command("DROP TABLE IF EXISTS made")
    opened.command(
        "CREATE TABLE made (id UInt64, at DateTime64(9), name LowCardinality(String), note Nullable(String),"
        " tags Map(String, String), list Array(Float64)) ENGINE = MergeTree ORDER BY id"
    )
    yield opened
    opened.close()


ROW = (7, 1_790_000_000_000_000_123, "plan", None, {"a": "b'c"}, [0.5, -1.0])
COLUMNS = ("id", "at", "name", "note", "tags", "list")


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_rows_survive_clickhouse_connect_in_every_encoding(
    endpoint: Endpoint, client: Client, compress: Any
) -> None:
    packed = connect(endpoint, database="w", compress=compress)
    rows = [(i, *ROW[1:3], None if i % 2 else f"{i} \x00 é", *ROW[4:]) for i in range(3000)]
    summary = packed.insert("made", rows, COLUMNS)
    assert summary.written_rows == 3000
    back = packed.query("SELECT * REPLACE (toInt64(at) AS at) FROM made ORDER BY id").result_rows
    seconds = ROW[1] // 10**9
    assert [tuple(r) for r in back] == [(i, seconds, n, note, t, x) for i, _, n, note, t, x in rows]


def test_arrow_goes_in_and_comes_out(client: Client) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.uint64()),
            "at": pa.array([ROW[1], ROW[1] + 1], pa.timestamp("ns", tz="UTC")),
            "name": pa.array(["x", "y"]).dictionary_encode(),
            "note": pa.array([None, "\x00"]),
        }
    )
    assert client.insert_arrow("made", table).written_rows == 2
    back = client.query_arrow("SELECT id, toUnixTimestamp64Nano(at) AS at, note FROM made ORDER BY id")
    assert back.to_pydict()["at"] == [ROW[1], ROW[1] + 1]
    assert back.to_pydict()["id"] == [1, 2]


def test_parameters_are_bound_by_client_and_server(client: Client) -> None:
    nasty = "it's \\ \t\n\"`; DROP TABLE w.steps -- é"
    assert client.query("SELECT %(v)s", parameters={"v": nasty}).result_rows == [(nasty,)]
    assert client.query("SELECT {v:String}", parameters={"v": nasty}).result_rows == [(nasty,)]
    assert client.query("SELECT {v:Array(UInt8)}", parameters={"v": [1, 2]}).result_rows == [([1, 2],)]
    client.command("INSERT INTO {t:Identifier} (id) VALUES", parameters={"t": "made"}, data="(5)")
    assert client.command("SELECT id FROM {t:Identifier}", parameters={"t": "made"}) == 5


def test_settings_hold_for_one_statement_only(endpoint: Endpoint, client: Client) -> None:
    sql = "SELECT getSetting('max_threads')"
    before = client.command(sql)
    assert client.command(sql, settings={"max_threads": 7}) == 7
    client.command("SET max_threads = 5")
    client.command("USE system")
    answers = {client.command(sql) for _ in range(20)}
    assert answers == {before}
    assert endpoint.rows("SELECT currentDatabase()") == "default\n"


def test_errors_have_code_name_and_status(endpoint: Endpoint, client: Client) -> None:
    with pytest.raises(DatabaseError) as raised:
        client.query("SELECT * FROM nowhere")
    assert (raised.value.code, raised.value.name) == (60, "UNKNOWN_TABLE")
    for sql, status, code in (
        ("SELEC 1", 400, "62"),
        ("SELECT 1; SELECT 2", 400, "62"),
        ("SELECT x", 404, "47"),
        ("SELECT 1 SETTINGS no_such = 1", 404, "115"),
        ("SELECT 1 FORMAT Nothing", 404, "73"),
        ("SELECT sleep(3) SETTINGS max_execution_time = 1", 408, "159"),
        ("SELECT number FROM numbers(100) SETTINGS max_result_rows = 10", 500, "396"),
        ("", 400, "62"),
        (b"SELECT '\xff'", 400, "62"),
    ):
        answer = endpoint.ask(sql)
        found = (answer.status_code, answer.headers.get("X-ClickHouse-Exception-Code"))
        assert found == (status, code), answer.text
        assert answer.text.startswith(f"Code: {code}. DB::Exception: "), answer.text
    assert endpoint.ask("SELECT 1", database="nowhere").headers["X-ClickHouse-Exception-Code"] == "81"


def test_a_bad_row_rejects_its_block(endpoint: Endpoint, client: Client) -> None:
    answer = endpoint.ask("INSERT INTO w.made (id) FORMAT CSV", body=b"1\n2\nthree\n")
    assert answer.status_code == 400
    assert client.command("SELECT count() FROM made") == 0
    assert endpoint.ask("INSERT INTO w.made (id) FORMAT CSV", body=b"1\n2\n").status_code == 200
    assert client.command("SELECT count() FROM made") == 2


def test_what_cannot_be_written_is_an_error_and_never_an_answer(endpoint: Endpoint, client: Client) -> None:
    """chdb's own streaming insert answers that all is stored."""
    client.command("ALTER TABLE made ADD CONSTRAINT below_ten CHECK id < 10")
    answer = endpoint.ask("INSERT INTO w.made (id) FORMAT CSV", body=b"1\n20\n")
    assert "Code: 469" in answer.text
    assert client.command("SELECT count() FROM made") == 0


@pytest.mark.parametrize(
    "head",
    ["INSERT INTO w.made (id) SETTINGS max_insert_threads = 1", "INSERT INTO w.made (id) -- a comment"],
)
def test_an_insert_may_have_settings_and_comments(endpoint: Endpoint, client: Client, head: str) -> None:
    assert endpoint.ask(f"{head}\nFORMAT CSV", body=b"1\n2\n").status_code == 200
    assert client.command("SELECT count() FROM made") == 2


def test_a_small_asynchronous_insert_is_stored_when_answered(client: Client) -> None:
    client.insert("made", [ROW], COLUMNS, settings={"async_insert": 1, "wait_for_async_insert": 1})
    assert client.command("SELECT count() FROM made") == 1


def test_an_empty_result_keeps_its_columns_where_the_client_asks(client: Client) -> None:
    assert client.query("SELECT id, name FROM made LIMIT 0").column_names == ("id", "name")
    assert client.query("SELECT id FROM made").result_rows == []
    assert client.command("SELECT name FROM made") == ""


def test_a_session_id_and_a_query_id_are_tolerated(endpoint: Endpoint) -> None:
    client = connect(endpoint, session_id="one", autogenerate_query_id=True)
    assert client.query("SELECT 1").result_rows == [(1,)]
    assert endpoint.ask("SELECT 1", query_id="mine").headers["X-ClickHouse-Query-Id"] == "mine"


def test_form_fields_carry_statement_and_parameters(endpoint: Endpoint) -> None:
    client = connect(endpoint, form_encode_query_params=True)
    assert client.query("SELECT {v:String}", parameters={"v": "x'y"}).result_rows == [("x'y",)]


@pytest.mark.parametrize(
    ("output_format", "read"),
    [
        ("JSON", lambda b: b'"x": "1"' in b or b'"x": 1' in b),
        ("CSVWithNames", lambda b: b == b'"x","s"\n1,"\xc3\xa9"\n'),
        ("Arrow", lambda b: pa.ipc.open_file(io.BytesIO(b)).read_all().to_pydict()["x"] == [1]),
        ("ArrowStream", lambda b: pa.ipc.open_stream(b).read_all().num_rows == 1),
        ("Parquet", lambda b: pq.read_table(io.BytesIO(b)).num_rows == 1),
        ("Native", lambda b: b[:2] == b"\x02\x01"),
    ],
)
def test_the_format_comes_from_clause_parameter_or_header(
    endpoint: Endpoint, output_format: str, read: Any
) -> None:
    sql = "SELECT 1 AS x, 'é' AS s"
    in_header = endpoint.http.post(
        endpoint.url, data=sql.encode(), auth=FULL, headers={"X-ClickHouse-Format": output_format}
    )
    in_clause, asked = (
        endpoint.ask(f"{sql} FORMAT {output_format}"),
        endpoint.ask(sql, default_format=output_format),
    )
    for answer in (in_clause, asked, in_header):
        assert answer.headers["X-ClickHouse-Format"] == output_format
        assert read(answer.content), answer.content


def test_any_http_client_can_ask(endpoint: Endpoint) -> None:
    get = requests.get(
        endpoint.url, params={"query": "SELECT 1", "user": FULL[0], "password": FULL[1]}, timeout=30
    )
    assert (get.text, get.headers["X-ClickHouse-Timezone"]) == ("1\n", "UTC")
    own = {"X-ClickHouse-User": READER[0], "X-ClickHouse-Key": READER[1], "X-ClickHouse-Database": "w"}
    post = requests.post(endpoint.url, data="SELECT count() FROM steps", headers=own, timeout=30)
    assert post.text == "4\n"
    assert int(json.loads(post.headers["X-ClickHouse-Summary"])["read_rows"]) >= 1
    assert endpoint.ask("SELECT * FROM", body=b"w.steps WHERE id = 1").text == "1\tplan\n"
    for path in ("ping", "", "replicas_status"):
        assert requests.get(endpoint.url + path, timeout=30).text == "Ok.\n"


def test_get_cannot_write(endpoint: Endpoint) -> None:
    for sql in ("INSERT INTO w.steps VALUES (8, '')", "DROP TABLE w.steps", "SET max_threads = 1"):
        answer = endpoint.http.get(endpoint.url, params={"query": sql}, auth=FULL, timeout=30)
        assert answer.headers["X-ClickHouse-Exception-Code"] == "164", sql


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd", "deflate"])
def test_packed_bodies_are_unpacked_and_answers_packed(
    endpoint: Endpoint, client: Client, encoding: str
) -> None:
    pack = {
        "gzip": gzip.compress,
        "lz4": lz4.frame.compress,
        "zstd": zstandard.compress,
        "deflate": zlib.compress,
    }
    half: Any = pack[encoding]
    body = half(b"1\n2\n") + (half(b"3\n") if encoding != "deflate" else b"")  # frames may follow each other
    answer = endpoint.http.post(
        endpoint.url,
        params={"query": "INSERT INTO w.made (id) FORMAT TSV"},
        data=body,
        headers={"Content-Encoding": encoding},
        auth=FULL,
    )
    assert answer.status_code == 200, answer.text
    assert client.command("SELECT count() FROM made") == (2 if encoding == "deflate" else 3)
    packed = endpoint.http.post(
        endpoint.url,
        params={"enable_http_compression": "1"},
        data="SELECT repeat('x', 5000)",
        headers={"Accept-Encoding": encoding},
        auth=FULL,
        stream=True,
    )
    raw = packed.raw.read(decode_content=False)
    assert packed.headers["Content-Encoding"] == encoding
    assert len(raw) < 200


def test_a_body_that_is_broken_or_unpacks_too_far_is_refused(endpoint: Endpoint) -> None:
    bomb = gzip.compress(bytes(70 << 20))
    for body, status in ((gzip.compress(b"1\n")[:-9], 400), (b"\x00\x01junk", 400), (bomb, 413)):
        answer = endpoint.http.post(
            endpoint.url,
            params={"query": "INSERT INTO w.steps (id) FORMAT TSV"},
            data=body,
            headers={"Content-Encoding": "gzip"},
            auth=FULL,
        )
        assert answer.status_code == status, answer.text
    plain = endpoint.ask("INSERT INTO w.steps (id) FORMAT TSV", body=b"1\n" * (33 << 20))
    assert plain.status_code == 413


def test_point_queries_are_answered_beside_a_scan(endpoint: Endpoint) -> None:
    scan = "SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            requests.post, endpoint.url, data=scan, params={"max_execution_time": "2"}, auth=FULL
        )
        asked = 0
        while not running.done():
            assert endpoint.rows("SELECT name FROM w.steps WHERE id = 1") == "plan\n"
            asked += 1
        assert running.result().headers["X-ClickHouse-Exception-Code"] == "159"
    # One connection for all would have answered the first point query only after the scan.
    assert asked > 5


def test_a_killed_query_ends(endpoint: Endpoint) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            endpoint.ask, "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1"
        )
        while not running.done():
            endpoint.rows("KILL QUERY WHERE query LIKE '%sipHash64(number) = 1' ASYNC")
        assert running.result().headers["X-ClickHouse-Exception-Code"] == "394"


def test_the_greeting_of_clickhouse_go_says_revision_zero(endpoint: Endpoint) -> None:
    hello = "SELECT displayName(), version(), revision(), timezone()"
    announced: dict[str, Any] = {
        "default_format": "Native",
        "client_protocol_version": "54460",
        "database": "w",
    }
    answer = endpoint.ask(hello, READER, **announced)
    assert answer.content.startswith(
        b"\x01\x00\x02\xff\xff\xff\xff\x00\x04\x01\x0ddisplayName()\x06String\x00"
    )
    assert b"\x0arevision()\x06UInt32\x00\x00\x00\x00\x00" in answer.content
    old = endpoint.ask(hello, READER, default_format="Native").content
    assert old == hello_block(
        0, *endpoint.rows("SELECT displayName(), version(), timezone()").strip().split("\t")
    )
    assert endpoint.ask("SELECT 1", READER, **announced).content == b"\x01\x01\x011\x05UInt8\x01"


GO_PROGRAM = Path(__file__).with_name("client.go.txt")


def test_clickhouse_go_reads_every_type(endpoint: Endpoint, tmp_path: Path) -> None:
    go = shutil.which("go")
    if go is None or not os.environ.get("WAKELINE_TEST_GO"):
        pytest.skip("needs Go, the Go module proxy and WAKELINE_TEST_GO=1 (it builds for a minute)")
    (tmp_path / "main.go").write_text(GO_PROGRAM.read_text())
    for arguments in (
        ["mod", "init", "client"],
        ["get", "github.com/ClickHouse/clickhouse-go/v2"],
        ["build", "."],
    ):
        subprocess.run([go, *arguments], cwd=tmp_path, check=True, capture_output=True)
    address = f"127.0.0.1:{endpoint.port}"
    done = subprocess.run(
        [tmp_path / "client", address, *READER], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "ok"


def test_times_are_utc(endpoint: Endpoint) -> None:
    shown = endpoint.rows("SELECT toString(toDateTime(1790000000))").strip()
    assert shown == datetime.fromtimestamp(1790000000, UTC).strftime("%Y-%m-%d %H:%M:%S")
