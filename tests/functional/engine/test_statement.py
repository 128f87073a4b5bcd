"""How statements are cut: pure functions, so no process is needed."""

import pytest

from streams.local.engine.lexer import TokenKind, tokens
from streams.local.engine.statement import hoist_settings, read_statement


@pytest.mark.parametrize(
    ("sql", "input_format", "data"),
    [
        (b"INSERT INTO t FORMAT RowBinary\n\n\x00 '", "RowBinary", b"\n\x00 '"),
        (b"INSERT INTO t FORMAT CSV \t\r\n1,'", "CSV", b"1,'"),
        (b"INSERT INTO t FORMAT CSV", "CSV", b""),
        (b"insert into t (a, `values`) values (1, ';')", "Values", b" (1, ';')"),
        (b"INSERT INTO t (format) SETTINGS async_insert = 1 FORMAT Native\n\xff\xfe", "Native", b"\xff\xfe"),
        (b"INSERT INTO values /* FORMAT x */ FORMAT TSV\n1", "TSV", b"1"),
        (b"INSERT INTO t (a)", None, b""),
        (b"INSERT INTO t;", None, b""),
    ],
)
def test_the_data_of_an_insert_are_kept_to_the_byte(
    sql: bytes, input_format: str | None, data: bytes
) -> None:
    statement = read_statement(sql)
    assert statement.insert is not None
    assert statement.insert.format == input_format
    assert sql[statement.insert.data_offset :] == data


@pytest.mark.parametrize(
    "sql",
    [
        b"INSERT INTO t SELECT 1 FORMAT CSV",
        b"INSERT INTO t (a) (SELECT 1)",
        b"INSERT INTO t WITH 1 AS x SELECT x",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
    ],
)
def test_rows_from_a_query_or_a_file_are_the_engines_work(sql: bytes) -> None:
    assert read_statement(sql).insert is None


@pytest.mark.parametrize(
    ("sql", "output_format"),
    [
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1 FORMAT JSON SETTINGS a = 1;", "JSON"),
        (b"SELECT format FROM (SELECT 1 FORMAT CSV)", None),
        (b"SELECT 'FORMAT CSV' -- FORMAT TSV", None),
    ],
)
def test_the_output_format_is_that_of_the_outermost_query(sql: bytes, output_format: str | None) -> None:
    assert read_statement(sql).output_format == output_format


@pytest.mark.parametrize(
    ("sql", "rest", "settings"),
    [
        (
            b"SELECT 1 SETTINGS a = 1, b = 'x,y' FORMAT CSV",
            b"SELECT 1  FORMAT CSV",
            [("a", b"1"), ("b", b"'x,y'")],
        ),
        (b"SELECT 1 settings m={'a.b':'c = 1'}", b"SELECT 1  ", [("m", b"{'a.b':'c = 1'}")]),
        (
            b"SELECT 1 SETTINGS a=-1 UNION ALL SELECT 2 SETTINGS b=2;",
            b"SELECT 1  UNION ALL SELECT 2  ;",
            None,
        ),
        (b"SELECT (SELECT 1 SETTINGS a = 1)", b"SELECT (SELECT 1 SETTINGS a = 1)", []),
        (b"SELECT 1 FROM system.settings", b"SELECT 1 FROM system.settings", []),
    ],
)
def test_outermost_settings_are_taken_out(
    sql: bytes, rest: bytes, settings: list[tuple[str, bytes]] | None
) -> None:
    hoisted = hoist_settings(read_statement(sql))
    assert hoisted.sql.split() == rest.split()
    assert list(hoisted.settings) == (settings if settings is not None else [("a", b"-1"), ("b", b"2")])


@pytest.mark.parametrize(
    "sql", [b"'open", b'"open', b"`open", b"/* open", b"$t$ open", b"\xe2\x80\x98x", b"`\\x66`"]
)
def test_what_engines_cut_differently_is_bad(sql: bytes) -> None:
    assert [t.kind for t in tokens(sql)][-1] is TokenKind.BAD


def test_a_number_hides_no_word() -> None:
    assert [t.text for t in tokens(b"1e5.into 0xfile(")] == [b"1", b"e5", b".", b"into", b"0", b"xfile", b"("]
