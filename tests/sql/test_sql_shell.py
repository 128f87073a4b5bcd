"""Does `wakeline sql` print what ClickHouse says, exactly, and its errors without a traceback?"""

import base64
import csv
import errno
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from streams.sql_shell import Format, describe, history_file, run_sql, split_statements

EXACT = (
    "SELECT 9223372036854775807::Int64 AS big, '0.000000000001'::Decimal(18, 12) AS money, "
    "toDateTime64('2026-01-02 03:04:05.123456789', 9, 'UTC') AS moment, NULL AS nothing, 'a,\"b' AS text"
)


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client]) -> Client:
    return connect("default")


def printed(client: Client, query: str, form: Format) -> str:
    out = io.StringIO()
    assert run_sql(client, query, format=form, out=out) == 0
    return out.getvalue()


def test_a_table_shows_exact_values_under_their_names(client: Client) -> None:
    lines = printed(client, EXACT, "table").splitlines()
    rows = [line.split() for line in lines if line.strip()]
    assert rows[0] == ["big", "money", "moment", "nothing", "text"]
    assert rows[2][:4] == ["9223372036854775807", "0.000000000001", "2026-01-02", "03:04:05.123456789"]
    assert rows[2][4:] == ["NULL", 'a,"b']
    assert rows[3] == ["1", "row"]


def test_csv_has_names_and_exact_values(client: Client) -> None:
    rows = list(csv.reader(io.StringIO(printed(client, EXACT, "csv"))))
    assert rows[0] == ["big", "money", "moment", "nothing", "text"]
    moment = "2026-01-02 03:04:05.123456789"
    assert rows[1] == ["9223372036854775807", "0.000000000001", moment, "\\N", 'a,"b']


def test_json_is_a_line_a_row(client: Client) -> None:
    lines = printed(client, "SELECT number AS n, NULL AS x FROM numbers(3)", "json").splitlines()
    assert [json.loads(line) for line in lines] == [{"n": n, "x": None} for n in range(3)]


def test_only_the_first_thousand_rows_make_a_table_and_it_says_so(client: Client) -> None:
    text = printed(client, "SELECT number AS n FROM numbers(2500)", "table")
    assert "2,500 rows; the first 1,000 are shown" in text
    assert " 999 " in text
    assert " 1000 " not in text


def test_what_would_move_the_cursor_is_shown_instead_of_obeyed(client: Client) -> None:
    text = printed(client, "SELECT '\\x1b[2Jgone\\x07' AS answer", "table")
    assert "\\x1b[2Jgone\\x07" in text
    assert "\x1b" not in text


def test_statements_run_in_order_and_commands_print_nothing(client: Client) -> None:
    text = printed(
        client,
        "CREATE TABLE IF NOT EXISTS sh (a Int8) ENGINE = Memory; TRUNCATE TABLE sh;\n"
        "INSERT INTO sh VALUES (1), (2); -- two;\nSELECT sum(a) AS total FROM sh",
        "csv",
    )
    assert text == '"total"\n3\n'


def test_a_statement_may_name_its_own_format(client: Client) -> None:
    assert printed(client, "SELECT 1, 2 FORMAT TSV", "table") == "1\t2\n"


def test_an_empty_answer_is_a_table_without_rows(client: Client) -> None:
    assert "0 rows" in printed(client, "SELECT 1 AS one WHERE 0", "table")


def test_no_statement_is_no_error(client: Client) -> None:
    assert printed(client, " ; -- nothing\n", "table") == ""


def test_a_file_is_read(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "query.sql"
    path.write_text("SELECT 'é' AS x;\nSELECT 2 AS y")
    assert printed(client, f"@{path}", "json") == '{"x":"é"}\n{"y":2}\n'


def test_a_file_that_is_not_there_is_named(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_sql(client, "@/nowhere.sql", format="csv", out=io.StringIO()) == 1
    assert "/nowhere.sql" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT nope", "Code 47 UNKNOWN_IDENTIFIER: Unknown expression identifier `nope`"),
        ("SELEC 1", "Code 62 SYNTAX_ERROR: Syntax error"),
        ("SELECT * FROM nowhere", "Code 60 UNKNOWN_TABLE"),
        ("SELECT throwIf(number = 5000) FROM numbers(10000)", "Code 395"),
    ],
)
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_an_error_has_its_code_and_ends_the_run(
    client: Client, capsys: pytest.CaptureFixture[str], query: str, says: str, form: Format
) -> None:
    out = io.StringIO()
    assert run_sql(client, f"{query}; SELECT 'behind'", format=form, out=out) == 1
    error = capsys.readouterr().err
    assert error.startswith(says)
    assert "Traceback" not in error
    assert "url" not in error
    assert out.getvalue() == ""


def test_a_server_that_does_not_answer_is_told_in_a_sentence() -> None:
    with pytest.raises(Error) as raised:
        clickhouse_connect.get_client(host="127.0.0.1", port=9)
    assert describe(raised.value).startswith("ClickHouse does not answer: ")


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("a; b;c", ["a", "b"], "c"),
        ("SELECT ';', \";\", `;`;x", ["SELECT ';', \";\", `;`"], "x"),
        (r"SELECT 'it\'s;', 'a'';b'; y", [r"SELECT 'it\'s;', 'a'';b'"], "y"),
        ("SELECT 1 -- ;\n; z", ["SELECT 1"], "z"),
        ("SELECT /* ; */ 1;", ["SELECT   1"], ""),
        ("SELECT 'open; ", [], "SELECT 'open;"),
        ("SELECT /* open; ", [], "SELECT /* open;"),
        ("SELECT 5-3/1;", ["SELECT 5-3/1"], ""),
        (";;  ;", [], ""),
    ],
)
def test_semicolons_count_outside_of_literals_and_comments(
    text: str, statements: list[str], rest: str
) -> None:
    assert split_statements(text) == (statements, rest)


PROMPT = """
import sys
import clickhouse_connect
from streams.sql_shell import run_sql
host, port, user, password = sys.argv[1:]
client = clickhouse_connect.get_client(host=host, port=int(port), username=user, password=password)
sys.exit(run_sql(client, None, format="csv", out=sys.stdout))
"""


def argv_of(client: Client) -> list[str]:
    headers = client.headers  # type: ignore[attr-defined]  # of the HTTP client
    user, _, password = (
        base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
    )
    host, _, port = client.uri.removeprefix("http://").partition(":")
    return [sys.executable, "-c", PROMPT, host, port, user, password]


def everything_from(terminal: int) -> str:
    parts: list[bytes] = []
    with os.fdopen(terminal, "rb", buffering=0) as file:
        while True:
            try:
                part = file.read(4096)
            except OSError as error:
                if error.errno != errno.EIO:  # how Linux says that the other side of a terminal is closed
                    raise
                part = b""
            if not part:
                return b"".join(parts).decode()
            parts.append(part)


def test_a_prompt_takes_several_lines_survives_errors_and_keeps_a_private_history(
    client: Client, tmp_path: Path
) -> None:
    near, far = pty.openpty()
    process = subprocess.Popen(
        argv_of(client),
        stdin=far,
        stdout=far,
        stderr=far,
        env=dict(os.environ) | {"XDG_STATE_HOME": str(tmp_path), "TERM": "dumb"},
    )
    os.close(far)
    os.write(near, b"SELECT 40 +\n2 AS answer;\nSELECT nope;\nSELECT 'still there' AS x;\nexit\n")
    said = everything_from(near).replace("\r", "")
    assert process.wait(60) == 0, said
    assert '"answer"\n42\n' in said
    assert "Code 47 UNKNOWN_IDENTIFIER" in said
    assert '"still there"' in said
    assert "Traceback" not in said
    kept = tmp_path / "wakeline" / "sql_history"
    assert "SELECT 40 +" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_standard_input_is_read_when_it_is_no_terminal(client: Client) -> None:
    done = subprocess.run(
        argv_of(client), input="SELECT 1 AS a;\nSELECT 2 AS b", capture_output=True, text=True, check=True
    )
    assert done.stdout == '"a"\n1\n"b"\n2\n'


def test_history_lies_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert history_file() == tmp_path / "wakeline" / "sql_history"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/someone")
    assert history_file() == Path("/home/someone/.local/state/wakeline/sql_history")
