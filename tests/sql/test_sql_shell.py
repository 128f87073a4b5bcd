"""Does `wakeline sql` print what ClickHouse says, exactly, and its errors without a traceback?"""

import base64
import csv
import errno
import fcntl
import io
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from schemas.descriptions import load_descriptions
from schemas.questions import load_questions
from streams.sql_shell import Format, run_sql
from streams.sql_shell.errors import describe
from streams.sql_shell.prompt import history_file
from streams.sql_shell.statements import Statement, is_complete, is_open, split_statements
from streams.sql_shell.words import Words, load_words

EXACT = (
    "SELECT 9223372036854775807::Int64 AS big, '0.000000000001'::Decimal(18, 12) AS money, "
    "toDateTime64('2026-01-02 03:04:05.123456789', 9, 'UTC') AS moment, NULL AS nothing, 'a,\"b' AS text"
)


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client]) -> Client:
    return connect("default")


@pytest.fixture(scope="module")
def site(connect: Callable[..., Client], database: Callable[[], str]) -> Client:
    """A client of a database with all tables."""
    return connect(database())


def printed(client: Client, query: str, form: Format, **parameters: str) -> str:
    out = io.StringIO()
    assert run_sql(client, query, format=form, out=out, parameters=parameters) == 0
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


@pytest.mark.parametrize(
    "query",
    [
        "SELECT toInt32(concat(char(27), '[31mEVIL', char(7)))",
        "SELECT toInt32('\x1b[31mEVIL\x07')",
        "SELECT throwIf(1, concat('a', char(27), '[2J', char(194, 155), '31mEVIL'))",
        "SELECT '\x1b[31mEVIL' AND )",
    ],
)
def test_an_error_holds_no_escape_sequence_of_a_terminal(
    client: Client, capsys: pytest.CaptureFixture[str], query: str
) -> None:
    assert run_sql(client, query, format="table", out=io.StringIO()) == 1
    error = capsys.readouterr().err
    assert "EVIL" in error
    assert "\\x1b[" in error
    assert not [sign for sign in error if sign != "\n" and not sign.isprintable()]


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
    assert split_statements(text) == ([Statement(one) for one in statements], rest)


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("SELECT 1\\G SELECT 2", [Statement("SELECT 1", vertical=True)], "SELECT 2"),
        ("SELECT 1\\G;", [Statement("SELECT 1", vertical=True)], ""),
        ("\\d steps\nSELECT 1;", [Statement("\\d steps"), Statement("SELECT 1")], ""),
        ("SELECT 1; \\format csv", [Statement("SELECT 1"), Statement("\\format csv")], ""),
        ("\\questions 3;", [Statement("\\questions 3")], ""),
        (r"SELECT '\G;' ", [], r"SELECT '\G;'"),
    ],
)
def test_a_backslash_begins_a_command_or_ends_a_statement(
    text: str, statements: list[Statement], rest: str
) -> None:
    assert split_statements(text) == (statements, rest)


def test_enter_runs_what_is_complete_and_nothing_is_completed_within_literals() -> None:
    for text in ("", "SELECT 1;", "SELECT 1\\G", "\\d steps", "exit", "SELECT 1; -- more"):
        assert is_complete(text), text
    for text in ("SELECT 1", "SELECT 1; SELECT 2", "SELECT ';", "SELECT /* ;"):
        assert not is_complete(text), text
    for text in ("SELECT 'a", 'SELECT "', "SELECT 1 -- now", "/* x"):
        assert is_open(text), text
    for text in ("SELECT 'a' ", "SELECT 1 -- now\n", "a - b"):
        assert not is_open(text), text


def test_every_format_prints_the_row(client: Client) -> None:
    query = "SELECT 7 AS seven, 'a|b' AS text"
    assert printed(client, query, "tsv") == "seven\ttext\n7\ta|b\n"
    vertical = printed(client, query, "vertical").splitlines()
    assert vertical[0].startswith("Row 1:")
    assert vertical[2:] == ["seven: 7", "text:  a|b"]
    assert printed(client, f"{query}\\G", "table").splitlines() == vertical


def test_vertical_shows_what_would_move_the_cursor(client: Client) -> None:
    text = printed(client, "SELECT '\\x1b[2Jgone' AS answer", "vertical")
    assert "\\x1b[2Jgone" in text
    assert "\x1b" not in text


def test_parameters_are_put_in_by_the_server_and_percent_signs_stay(client: Client) -> None:
    asked = "SELECT {word:String} AS word, 'x%y' LIKE '%s%' AS nothing; SELECT '50 %' AS share"
    assert printed(client, asked, "csv", word="it's", other="1") == (
        '"word","nothing"\n"it\'s",0\n"share"\n"50 %"\n'
    )


def test_a_parameter_is_set_shown_and_taken_back(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(client, "\\set n 'it is'\n\\set\nSELECT {n:String} AS n;\n\\set n\n\\set", "csv")
    assert [line.strip() for line in text.splitlines()] == ["n   it is", '"n"', '"it is"', ""]
    assert run_sql(client, "\\set 1x 2", format="csv", out=io.StringIO()) == 1
    assert "1x is no name of a parameter" in capsys.readouterr().err


def test_d_lists_tables_and_views_with_their_meaning(site: Client) -> None:
    rows = [json.loads(line) for line in printed(site, "\\d", "json").splitlines()]
    assert {row["name"]: row["meaning"] for row in rows} == dict(load_descriptions().tables)
    assert [row["sort"] for row in rows] == sorted((row["sort"] for row in rows), reverse=True)


@pytest.mark.parametrize("named", ["runs", "{database}.runs", "`runs`"])
def test_d_describes_a_table_with_types_and_meanings(site: Client, named: str) -> None:
    text = printed(site, f"\\d {named.format(database=site.database)}", "table")
    about, _, rows = text.partition("\n")
    assert about.startswith("runs (table, sorted by namespace, toStartOfHour(opened_time), run_id")
    assert about.endswith(str(load_descriptions().of_table("runs")))
    line = next(line.strip() for line in rows.splitlines() if "root_event_id" in line)
    assert line.split(maxsplit=2)[1:] == ["String", load_descriptions().of_column("runs", "root_event_id")]
    json_lines = printed(site, f"\\d {named.format(database=site.database)}", "json").splitlines()
    assert json.loads(json_lines[0])["column"] == "namespace"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("\\d nowhere", "There is no table or view nowhere: \\d lists them"),
        ("\\questions 99", "There is no question 99: \\questions lists them"),
        ("\\format xml", "There is no format xml: table, vertical, csv, tsv, json"),
        ("\\dance", "There is no command \\dance: \\? lists them"),
    ],
)
def test_a_command_that_cannot_be_obeyed_says_why_and_ends_the_run(
    site: Client, capsys: pytest.CaptureFixture[str], command: str, says: str
) -> None:
    out = io.StringIO()
    assert run_sql(site, f"{command}\nSELECT 1", format="csv", out=out) == 1
    assert capsys.readouterr().err == f"{says}\n"
    assert out.getvalue() == ""


def test_questions_are_listed_and_help_names_every_command(site: Client) -> None:
    listed = printed(site, "\\questions", "table")
    for one in load_questions():
        assert f"{one.number} " in listed
        assert one.name in listed
    told = printed(site, "\\?", "table")
    assert all(name in told for name in ("\\d", "\\questions", "\\set", "\\format", "\\q", "\\G"))


@pytest.mark.parametrize("which", ["9", "runs_and_success"])
def test_a_question_runs_over_all_that_a_namespace_of_the_past_has(site: Client, which: str) -> None:
    site.command("TRUNCATE TABLE runs")
    site.command(
        "INSERT INTO runs (namespace, run_id, opened_time, start_time, end_time, agent_name, append_time) "
        "SELECT 'old', toString(number), t, t, t + 2, 'a', '2100-01-01' "
        "FROM (SELECT number, toDateTime64('2024-02-03', 9, 'UTC') + number * 864000 AS t FROM numbers(7))"
    )
    (row,) = map(json.loads, printed(site, f"\\questions {which}", "json", namespace="old").splitlines())
    assert (row["agent"], int(row["runs"]), row["p95_s"]) == ("a", 7, 2)
    assert printed(site, f"\\questions {which}", "json", namespace="live") == ""
    some = printed(site, f"\\questions {which}", "json", namespace="old", until="2024-02-20 00:00:00")
    assert int(json.loads(some)["runs"]) == 2
    assert load_questions()[8].question in printed(site, f"\\questions {which}", "table", namespace="old")


def test_a_syntax_error_shows_the_line_and_the_place(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run_sql(client, "SELECT 'é',\n\t1 +) 2 AS x\nFROM numbers(1)", format="csv", out=io.StringIO()) == 1
    )
    said, line, arrow = capsys.readouterr().err.splitlines()
    assert said.startswith("Code 62 SYNTAX_ERROR: Syntax error: failed at position ")
    assert "AS x" not in said
    assert line == "   1 +) 2 AS x"
    assert line[arrow.index("^")] == ")"


def test_an_error_says_what_was_meant_and_not_the_statement_again(
    site: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_sql(site, "SELECT agent_nam FROM agent_steps", format="csv", out=io.StringIO()) == 1
    said = capsys.readouterr().err
    assert "agent_name" in said
    assert "scope" not in said
    assert run_sql(site, "SELECT 1 FROM agent_stps", format="csv", out=io.StringIO()) == 1
    assert capsys.readouterr().err.strip().endswith("\\d lists tables and views")


def completed(words: Words, before: str, behind: str = "") -> list[str]:
    return [word.text for word in words.matching(before, before + behind)]


def test_words_are_those_of_the_place(site: Client) -> None:
    words = load_words(site)
    tables = set(load_descriptions().tables)
    assert set(completed(words, "SELECT * FROM ")) == tables
    assert completed(words, "SELECT * FROM agent_ste") == ["agent_steps"]
    assert completed(words, "SELECT 1 FROM steps AS s LEFT JOIN ledg") == ["ledger"]
    assert completed(words, "SELECT critical_llm", " FROM run_parts") == ["critical_llm_ns"]
    assert completed(words, "SELECT critical_llm", " FROM agent_runs") == ["critical_llm_s"]
    assert completed(words, "SELECT r.orph", " FROM agent_runs AS r") == ["orphans"]
    assert completed(words, "SELECT r.", " FROM ledger AS r")[:3] == ["namespace", "ledger_id", "time"]
    assert completed(words, "SELECT quantileExactW")[:1] == ["quantileExactWeighted"]
    assert "ORDER BY" in completed(words, "SELECT 1 ORD")
    assert completed(words, "SELECT ") == []
    assert completed(words, "SELECT x.y") == []


PROMPT = """
import sys
import termios
import time
import clickhouse_connect
from streams.sql_shell import run_sql
host, port, user, password, database = sys.argv[1:]
client = clickhouse_connect.get_client(
    host=host, port=int(port), username=user, password=password, database=database
)
sys.exit(run_sql(client, None, format="csv", out=sys.stdout))
"""


def argv_of(client: Client) -> list[str]:
    headers = client.headers  # type: ignore[attr-defined]  # of the HTTP client
    user, _, password = (
        base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
    )
    host, _, port = client.uri.removeprefix("http://").partition(":")
    return [sys.executable, "-c", PROMPT, host, port, user, password, str(client.database)]


class Terminal:
    """A prompt in a terminal of its own; a line is typed when the one before is answered."""

    def __init__(self, client: Client, folder: Path, kind: str) -> None:
        self._near, far = pty.openpty()
        # Wide enough that nothing is folded; nobody answers questions for the cursor's place.
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        own = {"XDG_STATE_HOME": str(folder), "TERM": kind, "PROMPT_TOOLKIT_NO_CPR": "1"}
        self.process = subprocess.Popen(
            argv_of(client), stdin=far, stdout=far, stderr=far, env=dict(os.environ) | own
        )
        os.close(far)
        self.said = ""

    def type(self, text: str, until: str) -> str:
        """Type, wait until `until` is said, and return what was said meanwhile, without colours."""
        os.write(self._near, text.encode())
        begun = len(self.said)
        deadline = time.monotonic() + 30
        while until not in self.said[begun:]:
            assert time.monotonic() < deadline, self.said[begun:]
            if select.select([self._near], [], [], 1)[0]:
                part = os.read(self._near, 4096).decode(errors="replace")
                self.said += re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>])", "", part).replace("\r", "")
        return self.said[begun:]

    def end(self, text: str) -> int:
        """Type the last line, and wait for the end."""
        os.write(self._near, text.encode())
        try:
            deadline = time.monotonic() + 60
            while select.select([self._near], [], [], max(0, deadline - time.monotonic()))[0]:
                os.read(self._near, 4096)
            self.process.kill()
        except OSError as error:
            if error.errno != errno.EIO:  # how Linux says that the other side of a terminal is closed
                raise
        finally:
            os.close(self._near)
        return self.process.wait(60)


def test_a_prompt_takes_several_lines_survives_errors_and_keeps_a_private_history(
    client: Client, tmp_path: Path
) -> None:
    terminal = Terminal(client, tmp_path, "xterm")
    terminal.type("", "wakeline>")
    terminal.type("SELECT 40 +\r", "->")
    assert '"answer"\n42\n' in terminal.type("2 AS answer;\r", "42\n")
    assert "Traceback" not in terminal.type("SELECT nope;\r", "Code 47 UNKNOWN_IDENTIFIER")
    assert '"still there"' in terminal.type("SELECT 'still there' AS x;\r", '"still there"\n')
    assert terminal.end("exit\r") == 0
    kept = tmp_path / "wakeline" / "sql_history"
    assert "+SELECT 40 +\n+2 AS answer;\n" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0
    again = Terminal(client, tmp_path, "xterm")
    again.type("", "wakeline>")
    # Up twice: the statement before `exit`.
    again.type("\x1b[A\x1b[A\r", '"still there"\n')
    assert again.end("\\q\r") == 0


def test_tab_completes_tables_columns_and_commands_at_the_prompt(site: Client, tmp_path: Path) -> None:
    """Only a whole name has an answer. The list shows what may follow, with its sort; Tab takes the first."""
    terminal = Terminal(site, tmp_path, "xterm")
    terminal.type("", "wakeline>")
    terminal.type("SELECT count() + 41 AS found FROM agent_dead_l", "table")
    terminal.type("\t", "etters")
    terminal.type(" WHERE 0;\r", '"found"\n41\n')
    terminal.type("SELECT toTypeName(any(critical_waiting_n", "Nullable(Int64)")
    terminal.type("\t", "s")
    terminal.type(")) AS kind FROM runs;\r", '"kind"\n"Nullable(Int64)"\n')
    terminal.type("\\d dead_l", "letters")
    terminal.type("\t\r", '"payload","String"')
    assert terminal.end("exit\r") == 0


def test_the_end_of_input_leaves_the_prompt(client: Client, tmp_path: Path) -> None:
    terminal = Terminal(client, tmp_path, "xterm")
    terminal.type("", "wakeline>")
    assert terminal.end("\x04") == 0


def test_a_terminal_that_can_do_nothing_still_has_a_prompt(client: Client, tmp_path: Path) -> None:
    terminal = Terminal(client, tmp_path, "dumb")
    terminal.type("", "wakeline>")
    terminal.type("SELECT 6 * 7 AS x;\r", '"x"\n42\n')
    assert terminal.end("exit\r") == 0


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
