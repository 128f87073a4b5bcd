"""What happens to a request between HTTP and the engine?

Signs the user in, unpacks the body, applies the reader's policy, and runs the statement. Runs in a worker
thread, knows no HTTP server, and gives back bytes or an `EngineError`.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from streams.local.engine import compression
from streams.local.engine.config import Account, Limits
from streams.local.engine.connections import Engine, Profile, Result, literal, sql_text
from streams.local.engine.errors import EngineError, refused
from streams.local.engine.hello import hello_block, is_hello
from streams.local.engine.policy import check_reader, reader_settings
from streams.local.engine.request import Request
from streams.local.engine.statement import Insert, Statement, hoist_settings, read_statement

_PACK_FROM = 1024  # bytes; smaller answers travel as they are


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back.

    Attributes:
        data: The body, packed as `encoding` says.
        encoding: Content-Encoding, or None.
        format: Name of the format, or None for statements without rows.
        result: What the engine counted, and the owner of `data`; None for the greeting.
    """

    data: bytes | memoryview
    encoding: str | None
    format: str | None
    result: Result | None


def sign_in(accounts: Sequence[Account], user: str, password: str) -> Account:
    """Finds the account, in a time that does not tell a wrong name from a wrong password.

    Raises:
        EngineError: Wrong name or password (516).
    """
    found = None
    for account in accounts:
        same_name = hmac.compare_digest(account.name.encode(), _bytes(user))
        same_password = hmac.compare_digest(account.password.encode(), _bytes(password))
        if same_name and same_password:
            found = account
    if found is None:
        text = f"{user}: Authentication failed: password is incorrect, or there is no user with such name."
        raise EngineError(516, "AUTHENTICATION_FAILED", text)
    return found


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def answer(engine: Engine, limits: Limits, account: Account, request: Request) -> Answer:
    """Runs a request whose user is known.

    Args:
        engine: The engine.
        limits: Of body, result, time and memory.
        account: Who asks.
        request: What is asked.

    Raises:
        EngineError: It was refused or failed.
    """
    body = compression.unpack(request.body, request.content_encoding, limits.body_bytes)
    if request.query:
        statement = read_statement(request.query)
        if statement.insert is None and body:
            statement = read_statement(b"\n".join((request.query, b"".join(body))))
            body = ()
    else:
        statement = read_statement(b"".join(body))
        body = ()
    if not statement.sql.strip():
        raise EngineError(62, "SYNTAX_ERROR", "Syntax error: Empty query")
    if request.default_format == "Native" and is_hello(statement.sql):
        block = hello_block(request.protocol_version, engine.display_name, engine.version, engine.timezone)
        return Answer(block, None, "Native", None)
    if account.readonly:
        return _packed(_read(engine, limits, statement, request), statement, request)
    return _packed(_run(engine, limits, statement, body, request), statement, request)


def _read(engine: Engine, limits: Limits, statement: Statement, request: Request) -> Result:
    sql_text(statement.sql)
    hoisted = hoist_settings(statement)
    check_reader(read_statement(hoisted.sql), engine.table_functions, request.params)
    asked = [(name, literal(value)) for name, value in request.settings]
    asked += [(name, value.decode()) for name, value in hoisted.settings]
    caps = {
        "max_execution_time": limits.execution_s,
        "max_result_bytes": limits.result_bytes,
        "max_result_rows": _NO_ROW_LIMIT,
        "max_memory_usage": limits.query_memory_bytes,
    }
    profile = _profile(True, request, reader_settings(asked, caps, engine.table_functions))
    return engine.query(profile, hoisted.sql, request.default_format, request.params)


_NO_ROW_LIMIT = 1 << 53


def _run(
    engine: Engine, limits: Limits, statement: Statement, body: Sequence[bytes], request: Request
) -> Result:
    if request.is_get and not (statement.insert is None and engine.reads_only(statement.sql)):
        raise refused("for queries over HTTP, method GET implies readonly; use POST")
    if statement.several:
        raise EngineError(62, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed)")
    settings = {
        # Blocks are whole when they come; waiting to join them with others would only delay the answer.
        "async_insert": "0",
        # A statement that is no statement is an error, as on the server; chdb would read it as an expression.
        "implicit_select": "0",
        # The sandbox refuses connections; ten tries with pauses would take two minutes to say so.
        "http_max_tries": "1",
        "max_execution_time": str(limits.execution_s),
        "max_result_bytes": str(limits.result_bytes),
        "max_memory_usage": str(limits.query_memory_bytes),
    }
    settings |= {_setting_name(name): literal(value) for name, value in request.settings}
    profile = _profile(False, request, settings)
    if statement.insert is None:
        return engine.query(profile, statement.sql, request.default_format, request.params)
    return _insert(engine, profile, statement, statement.insert, body, request)


def _insert(
    engine: Engine,
    profile: Profile,
    statement: Statement,
    insert: Insert,
    body: Sequence[bytes],
    request: Request,
) -> Result:
    inline = statement.sql[insert.data_offset :]
    chunks = [inline, *body] if inline else body
    default = "Values" if request.default_format == "TabSeparated" else request.default_format
    return engine.insert(profile, insert.head, insert.format or default, chunks, request.params)


def _profile(readonly: bool, request: Request, settings: dict[str, str]) -> Profile:
    return Profile(readonly, request.database, tuple(sorted(settings.items())))


def _setting_name(name: str) -> str:
    if not (name.isascii() and name.isidentifier()):
        raise EngineError(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'")
    return name


def _packed(result: Result, statement: Statement, request: Request) -> Answer:
    has_rows = statement.insert is None and statement.verb in _WITH_ROWS
    name = (statement.output_format or request.default_format) if has_rows else None
    encoding = compression.choose(request.accept_encoding) if len(result.data) >= _PACK_FROM else None
    if encoding is None:
        return Answer(result.data, None, name, result)
    return Answer(compression.pack(result.data, encoding), encoding, name, result)


_WITH_ROWS = frozenset(
    {"select", "with", "from", "show", "describe", "desc", "exists", "explain", "check", "kill"}
)
