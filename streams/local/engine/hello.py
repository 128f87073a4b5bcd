"""What do we answer clickhouse-go's greeting, so that plain Native bytes are right from then on?

The driver asks for the server's name, version, revision and time zone, reads the answer in the layout of
the revision it announced itself, and all later answers in that of the *server's* revision. The engine
writes Native in the layout of revision 0 and cannot be told otherwise. So the greeting says revision 0, in
the layout of the client's revision, and nothing more needs translating.
"""

import re

_HELLO = re.compile(
    rb"\s*SELECT\s+displayName\(\)\s*,\s*version\(\)\s*,\s*revision\(\)\s*,\s*timezone\(\)\s*;?\s*",
    re.IGNORECASE,
)
# Since these protocol revisions a block begins with its BlockInfo, and a column with a serialization flag.
_WITH_BLOCK_INFO, _WITH_SERIALIZATION = 51903, 54454
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"


def is_hello(sql: bytes) -> bool:
    """Whether a statement is the greeting, to the word."""
    return _HELLO.fullmatch(sql) is not None


def hello_block(protocol_version: int, display_name: str, version: str, timezone: str) -> bytes:
    """The greeting's answer in Native.

    Args:
        protocol_version: What the client announced (`client_protocol_version`); 0 when it did not.
        display_name: The server's name.
        version: The engine's version.
        timezone: The engine's time zone.

    Returns:
        One block of four columns and one row; `revision()` is 0.
    """
    columns = (
        ("displayName()", "String", _string(display_name)),
        ("version()", "String", _string(version)),
        ("revision()", "UInt32", bytes(4)),
        ("timezone()", "String", _string(timezone)),
    )
    head = _BLOCK_INFO if protocol_version >= _WITH_BLOCK_INFO else b""
    flag = b"\x00" if protocol_version >= _WITH_SERIALIZATION else b""
    body = b"".join(_string(name) + _string(kind) + flag + data for name, kind, data in columns)
    return head + bytes((len(columns), 1)) + body


def _string(text: str) -> bytes:
    data = text.encode()
    return _varint(len(data)) + data


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
