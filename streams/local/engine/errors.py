"""How does a failure look to a ClickHouse client: which code, which text, which HTTP status?

Codes and names are ClickHouse's own, statuses those of its HTTP handler where it has one. Engine errors pass
with their text; ours are made in the same shape, so that clients need not tell them apart.
"""

import re

# Causes are nested: the innermost code is the cause, and each level repeats its name at the end.
_CODE = re.compile(r"^(?:Code: \d+\. DB::\w+: )*Code: (\d+)\. DB::\w+: ")
_NAME = re.compile(r"(?:\s*\(([A-Z][A-Z0-9_]+)\)(?: \(version [^)]*\))?\.?)+\s*$")

# Code -> HTTP status. A 429, 503 or 504 would make clickhouse-connect send the statement again.
_STATUSES = {
    **dict.fromkeys((6, 26, 27, 33, 36, 38, 41, 53, 62, 69, 70, 72, 117, 130, 131, 321, 386, 457), 400),
    **dict.fromkeys((516, 192, 193, 194), 401),
    **dict.fromkeys((164, 344, 497), 403),
    **dict.fromkeys((46, 47, 50, 56, 60, 73, 81, 115), 404),
    159: 408,
    307: 413,
    48: 501,
}


class EngineError(Exception):
    """A statement failed or was refused.

    Attributes:
        code: ClickHouse's number of the error.
        name: Its name, such as `UNKNOWN_TABLE`.
        text: What happened and what to do, without code and name.
        status: HTTP status of the answer.
    """

    def __init__(self, code: int, name: str, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.name = name
        self.text = text
        self.status = _STATUSES.get(code, 500) if status is None else status

    def body(self, version: str) -> str:
        """The answer's text, as the server words it.

        Args:
            version: The engine's version.
        """
        return f"Code: {self.code}. DB::Exception: {self.text} ({self.name}) (version {version})\n"


def from_engine(error: RuntimeError) -> EngineError:
    """Reads the engine's own exception.

    Args:
        error: What chdb raised; its text begins with `Code: N. DB::Exception:` (sometimes several times).

    Returns:
        The same with its code; code 1001 (STD_EXCEPTION) where the engine gave none.
    """
    text = str(error).strip()
    code = _CODE.match(text)
    name = _NAME.search(text)
    if code is None:
        return EngineError(1001, "STD_EXCEPTION", text)
    stop = name.start() if name else len(text)
    return EngineError(int(code[1]), name[1] if name else "UNKNOWN", text[code.end() : stop].strip())


def refused(text: str) -> EngineError:
    """What a read-only user may not do (code 164, READONLY)."""
    return EngineError(164, "READONLY", f"Cannot execute query in readonly mode: {text}")
