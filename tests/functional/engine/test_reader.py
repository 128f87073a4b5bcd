"""What the read-only user can and cannot do, on the real engine."""

from pathlib import Path
from typing import Any

import pytest

from tests.functional.engine.conftest import CANARY, FULL, READER, Endpoint
from tests.functional.engine.hostile import BENIGN, HOSTILE


def inside(folder: Path) -> Path:
    """Files that the engine's process may read and write."""
    return folder / "data" / "store" / "user_files"


def state(endpoint: Endpoint) -> str:
    return endpoint.rows(
        "SELECT groupArray(name), (SELECT groupArray((id, name)) FROM (SELECT * FROM w.steps ORDER BY id))"
        " FROM (SELECT name FROM system.tables WHERE database IN ('w', 'default') ORDER BY name)"
    )


@pytest.mark.parametrize("sql", HOSTILE)
def test_a_hostile_statement_is_refused_and_changes_nothing(
    endpoint: Endpoint, folder: Path, sql: str
) -> None:
    files, before = sorted(inside(folder).iterdir()), state(endpoint)
    filled = sql.format(canary=inside(folder) / "canary.csv", out=inside(folder) / "out")
    answer = endpoint.ask(filled, READER)
    assert answer.status_code >= 400, answer.text
    assert int(answer.headers["X-ClickHouse-Exception-Code"]) > 0
    assert CANARY not in answer.text
    assert sorted(inside(folder).iterdir()) == files
    assert state(endpoint) == before


def test_the_hostile_list_is_long_and_its_canary_is_real(endpoint: Endpoint, folder: Path) -> None:
    assert len(HOSTILE) >= 50
    assert endpoint.rows(f"SELECT file('{inside(folder) / 'canary.csv'}')") == f"{CANARY}\\n\n"


@pytest.mark.parametrize(("sql", "expected"), BENIGN)
def test_a_benign_statement_that_looks_hostile_passes(endpoint: Endpoint, sql: str, expected: str) -> None:
    assert endpoint.rows(sql, READER).rstrip("\n").strip('"') == expected


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT arrayMap({f:Identifier}, ['CANARY'])", {"param_f": "file"}),
        ("SELECT arrayMap({f:Identifier}, ['CANARY'])", {"param_f": "`file`"}),
        ("SELECT arrayMap({f:Identifier}, ['CANARY'])", {"param_f": "\\x66ile"}),
        ("SELECT arrayMap({f:Identifier}, ['CANARY'])", {"param_f": " file"}),
        ("SELECT arrayMap({F:Identifier}, ['CANARY'])", {"param_F": "file"}),
        ("SELECT arrayMap(x -> {f:Identifier}(x), ['CANARY'])", {"param_f": "file"}),
        (
            "SELECT 'CANARY' AS p",
            {"param_f": "file", "additional_result_filter": "arrayMap({f:Identifier}, [p]) = []"},
        ),
        ("SELECT * APPLY {f:Identifier} FROM (SELECT 'x')", {"param_f": "file"}),
        ("SELECT * FROM {t:Identifier}", {"param_t": "CANARY"}),
        ("SELECT * FROM w.steps", {"additional_table_filters": "{'w.steps': 'file(\\'CANARY\\') = \\'\\''}"}),
        ("SELECT 1", {"additional_result_filter": "file('CANARY') = ''"}),
        ("SELECT 1 AS x FORMAT Protobuf", {"output_format_schema": "OUT"}),
        ("SELECT 1", {"output_format_x = 1, readonly": "0"}),
        ("SELECT 1", {"max_memory_usage": "many"}),
        ("SELECT 1", {"format_schema": "CANARY"}),
        ("SELECT 1", {"allow_experimental_eval_table_function": "1"}),
    ],
)
def test_parameters_open_no_way_around(
    endpoint: Endpoint, folder: Path, sql: str, params: dict[str, str]
) -> None:
    names = {"CANARY": str(inside(folder) / "canary.csv"), "OUT": str(inside(folder) / "out")}
    filled: dict[str, Any] = dict(params)
    for name, path in names.items():
        filled = {k: v.replace(name, path) for k, v in filled.items()}
        sql = sql.replace(name, path)
    answer = endpoint.ask(sql, READER, **filled)
    assert answer.status_code >= 400, answer.text
    assert CANARY not in answer.text
    assert not (inside(folder) / "out").exists()


def test_a_parameter_may_name_a_table(endpoint: Endpoint) -> None:
    named = {"param_t": "steps", "param_v": "file(", "database": "w"}
    assert endpoint.rows("SELECT id FROM {t:Identifier} WHERE name = {v:String}", READER, **named) == "4\n"


def test_a_cap_holds_whatever_the_reader_asks(endpoint: Endpoint) -> None:
    asked = {"max_execution_time": "0", "max_result_bytes": "999999999999"}
    sql = "SELECT getSetting('max_execution_time'), getSetting('max_result_bytes')"
    assert endpoint.rows(sql, READER, **asked) == "300\t268435456\n"
    assert endpoint.rows(sql, READER, max_execution_time="60") == "60\t268435456\n"
    assert endpoint.rows(f"{sql} SETTINGS max_execution_time = 1e9", READER) == "300\t268435456\n"


def test_what_grafana_sends_is_accepted(endpoint: Endpoint) -> None:
    asked = {"max_execution_time": "60", "readonly": "1", "max_threads": "4", "session_id": "x"}
    assert endpoint.rows("SELECT count() FROM w.steps", READER, **asked) == "4\n"
    filters = "{'w.steps': 'name = \\'drop\\''}"
    assert endpoint.rows("SELECT id FROM w.steps", READER, additional_table_filters=filters) == "3\n"


def test_the_full_user_reads_and_writes_no_file_outside_of_the_folder(
    endpoint: Endpoint, folder: Path
) -> None:
    if "confined=yes" not in endpoint.line:
        pytest.skip("this kernel has no Landlock")
    canary, out = folder / "canary.csv", folder / "out.csv"
    for sql in (
        f"SELECT file('{canary}')",
        f"SELECT * FROM file('{canary}')",
        f"SELECT * FROM '{canary}'",
        f"SELECT 1 INTO OUTFILE '{out}'",
        f"INSERT INTO FUNCTION file('{out}', 'CSV', 'a UInt8') SELECT 1",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    ):
        answer = endpoint.ask(sql)
        assert answer.status_code >= 400, sql
        assert CANARY not in answer.text
    assert not out.exists()


@pytest.mark.parametrize("user", [("wakeline", "x"), ("nobody", ""), ("grafana_reader", FULL[1]), ("", "")])
def test_wrong_credentials_are_refused(endpoint: Endpoint, user: tuple[str, str]) -> None:
    answer = endpoint.ask("SELECT 1", user)
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (401, "516")
    assert "AUTHENTICATION_FAILED" in answer.text
