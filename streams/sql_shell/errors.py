"""What is wrong with a statement, in words that fit a terminal? ClickHouse's errors, cut to what helps."""

import re

from streams.sql_shell.answers import safe

_POSITION = re.compile(r"failed at position (\d+)")
# Behind the place: the rest of the statement, with the FORMAT that was added to it.
_REST = re.compile(r"(failed at position \d+ \(.*?\)(?: \(line \d+, col \d+\))?): .*?(?=\. Unmatched|$)")
_HINTS = {"UNKNOWN_TABLE": "\\d lists tables and views"}


def describe(error: Exception, statement: str = "") -> str:
    """An error of the client: ClickHouse's code and name first, then what is wrong.

    Without control characters: ClickHouse quotes the value that was wrong, which an agent may have written.

    Args:
        error: as raised.
        statement: that was sent; a syntax error then shows its line, and where in it.
    """
    text = str(error)
    text = text.partition("server response: ")[2] or text
    text = re.sub(r" \(for url [^)]*\)$", "", text.strip())
    text = re.sub(r" \(version [^)]*\)$", "", text)
    name = getattr(error, "name", None)
    code = re.match(r"Code: (\d+)\. (?:DB::Exception: )?", text)
    if code is None:
        return safe(f"ClickHouse does not answer: {text}")
    message = text[code.end() :].removesuffix(f" ({name})")
    # The statement is in front of whoever wrote it, and what else might have stood there is half the grammar.
    message = re.sub(r"\.? [Ii]n scope .*?(?=\. Maybe you meant|$)", "", message, flags=re.DOTALL)
    message = re.sub(r"\.? Expected one of: .*$", "", message, flags=re.DOTALL)
    message = _REST.sub(r"\1", re.sub(r"\s+", " ", message))
    hint = f". {_HINTS[name]}" if name in _HINTS else ""
    said = f"Code {code[1]}{f' {name}' if name else ''}: {message.rstrip('. ')}{hint}"
    return "\n".join(map(safe, [said, *_place(message, statement)]))


def _place(message: str, statement: str) -> list[str]:
    """The line of a syntax error, and an arrow below the place."""
    found = _POSITION.search(message)
    if found is None or not statement:
        return []
    # Counted in bytes, from 1.
    before = statement.encode()[: int(found[1]) - 1].decode(errors="replace")
    line = before.rpartition("\n")[2]
    rest = statement[len(before) :].partition("\n")[0]
    if not line + rest:
        return []
    return [f"  {line}{rest}".replace("\t", " "), f"  {' ' * len(line)}^"]
