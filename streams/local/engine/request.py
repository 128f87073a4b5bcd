"""What does an HTTP request ask of ClickHouse?

Reads the query string, headers and form fields of ClickHouse's HTTP interface into one `Request`. Knows the
names of the protocol's own parameters; every other one is a setting. Checks neither users nor statements.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from streams.local.engine.errors import EngineError

# Parameters of the HTTP interface and of features without a meaning here (sessions keep nothing; answers are
# always sent whole). They are accepted, because clients send them unasked.
_PROTOCOL = frozenset(
    {"query", "database", "default_format", "user", "password", "quota_key", "query_id", "session_id"}
    | {"session_timeout", "session_check", "close_session", "buffer_size", "wait_end_of_query", "role"}
    | {"client_protocol_version", "enable_http_compression", "http_zlib_compression_level", "stacktrace"}
    | {"send_progress_in_http_headers", "http_headers_progress_interval_ms", "add_http_cors_header"}
    | {"cancel_http_readonly_queries_on_client_close", "http_write_exception_in_output_format"}
    | {"compress", "decompress"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        user: Name given, or empty.
        password: Password given.
        query: Statement from the URL or a form field; what the body holds stands behind it.
        body: The body in pieces, still packed.
        content_encoding: How the body is packed.
        accept_encoding: How the answer may be packed; empty unless the client switched it on.
        database: Current database.
        default_format: Format of an answer without a FORMAT clause.
        query_id: Given, or a new one.
        protocol_version: `client_protocol_version`, else 0.
        settings: Every other parameter of the URL.
        params: Values of `{name:Type}`.
        is_get: Whether the method is GET, which implies reading only.
    """

    user: str
    password: str = field(repr=False)
    query: bytes
    body: Sequence[bytes]
    content_encoding: str
    accept_encoding: str
    database: str
    default_format: str
    query_id: str
    protocol_version: int
    settings: tuple[tuple[str, str], ...]
    params: Mapping[str, str]
    is_get: bool


def read_request(
    method: str, headers: Mapping[str, str], values: Mapping[str, str], body: Sequence[bytes]
) -> Request:
    """Reads a request.

    Args:
        method: GET or POST.
        headers: The headers, case-insensitive.
        values: Parameters of the URL, then of the form.
        body: The body in pieces, without form fields.

    Raises:
        EngineError: The request uses what is not spoken here, or its credentials cannot be read.
    """
    for name in ("compress", "decompress"):
        if values.get(name, "0") not in ("0", "false", ""):
            raise EngineError(
                344,
                "SUPPORT_IS_DISABLED",
                f"{name}=1 (blocks with CityHash) is not spoken; use Content-Encoding",
            )
    user, password = credentials(headers, values)
    compressed = values.get("enable_http_compression", "0") in ("1", "true")
    return Request(
        user=user,
        password=password,
        query=values.get("query", "").encode(errors="surrogateescape"),
        body=body,
        content_encoding=headers.get("Content-Encoding", "").strip().lower(),
        accept_encoding=headers.get("Accept-Encoding", "") if compressed else "",
        database=values.get("database") or headers.get("X-ClickHouse-Database") or "default",
        default_format=values.get("default_format") or headers.get("X-ClickHouse-Format") or "TabSeparated",
        query_id=values.get("query_id") or str(uuid4()),
        protocol_version=_number(values.get("client_protocol_version", "0")),
        settings=tuple(
            (n, v) for n, v in values.items() if n not in _PROTOCOL and not n.startswith("param_")
        ),
        params={n.removeprefix("param_"): v for n, v in values.items() if n.startswith("param_")},
        is_get=method == "GET",
    )


def credentials(headers: Mapping[str, str], values: Mapping[str, str]) -> tuple[str, str]:
    """Finds user and password: own headers, else Basic, else the URL.

    Raises:
        EngineError: The Authorization header cannot be read (516).
    """
    if "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers:
        return headers.get("X-ClickHouse-User", ""), headers.get("X-ClickHouse-Key", "")
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if not scheme:
        return values.get("user", ""), values.get("password", "")
    try:
        if scheme.lower() == "basic":
            user, _, password = b64decode(token, validate=True).decode().partition(":")
            return user, password
    except (Base64Error, UnicodeDecodeError) as error:
        raise EngineError(516, "AUTHENTICATION_FAILED", "The Authorization header is not Basic") from error
    raise EngineError(516, "AUTHENTICATION_FAILED", "Only Basic authorization is known")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
