"""What does a statement ask for: its verb, its output format, the data behind an INSERT, its own settings?

Stands between the HTTP request and the engine. It reads tokens and judges nothing: refusing is the policy's
work, understanding the rest is the engine's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streams.local.engine.errors import EngineError
from streams.local.engine.lexer import Token, TokenKind, tokens

_OPENING, _CLOSING = b"([{", b")]}"
_CLAUSES_AFTER_SETTINGS = {b"format", b"into", b"union", b"intersect", b"except", b"parallel"}
_BLANKS = b" \t\f"


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT whose rows arrive as bytes.

    Attributes:
        head: The statement up to, and without, VALUES or FORMAT.
        format: Name of the input format, or None if the statement does not say.
        data_offset: Where data behind the statement begins.
    """

    head: bytes
    format: str | None
    data_offset: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, cut but not judged.

    Attributes:
        sql: The text as it came.
        tokens: Its tokens; of an INSERT with data only those before the data.
        verb: Its first word in lower case (behind brackets), or empty.
        several: Whether something follows a semicolon.
        output_format: Name in the FORMAT clause of the outermost query, if any.
        insert: How to feed its data, if it is an INSERT with data.
    """

    sql: bytes
    tokens: tuple[Token, ...]
    verb: str
    several: bool
    output_format: str | None
    insert: Insert | None


def read_statement(sql: bytes) -> Statement:
    """Cuts a statement.

    Args:
        sql: One statement, with the rows of an INSERT behind it where the client put them there.

    Returns:
        The statement. Texts that are not SQL at all give one too; the engine will refuse them.
    """
    stream = tokens(sql)
    first = next(stream, None)
    if first is not None and first == (TokenKind.WORD, b"insert", first.start, first.end):
        seen = [first]
        insert = _find_data(sql, seen, stream)
        if insert is not None:
            return Statement(sql, tuple(seen), "insert", False, None, insert)
        cut = (*seen, *stream)
    else:
        cut = (() if first is None else (first,)) + tuple(stream)
    verb = next((t for t in cut if t.text != b"("), None)
    return Statement(
        sql,
        cut,
        verb.text.decode() if verb is not None and verb.kind is TokenKind.WORD else "",
        _follows_semicolon(cut),
        _output_format(sql, cut),
        None,
    )


def from_file(head: bytes, path: str, input_format: str) -> bytes:
    """An INSERT whose rows come from a file.

    Args:
        head: The statement up to, and without, VALUES or FORMAT.
        path: Of the file; without quotes and backslashes.
        input_format: Its format.

    Raises:
        EngineError: The format is no name.
    """
    if not (input_format.isascii() and input_format.isidentifier()):
        raise EngineError(73, "UNKNOWN_FORMAT", f"Unknown format {input_format!r}")
    # Settings stand between the file and its format. A comment may end the head.
    place, depth, previous = len(head), 0, b""
    for token in tokens(head):
        depth += _depth_change(token)
        name = previous in (b".", b"into", b"table")
        if depth == 0 and not name and (token.kind, token.text) == (TokenKind.WORD, b"settings"):
            place = token.start
            break
        previous = token.text
    source = f"\nFROM INFILE '{path}' COMPRESSION 'none' ".encode()
    return head[:place] + source + head[place:] + f"\nFORMAT {input_format}".encode()


def _find_data(sql: bytes, seen: list[Token], stream: Iterator[Token]) -> Insert | None:
    """Reads tokens into `seen` until the data begin; None if rows come from a query or a file."""
    depth = 0
    for token in stream:
        previous = seen[-1]
        seen.append(token)
        depth += _depth_change(token)
        if token.kind is not TokenKind.WORD or previous.text in (b".", b"into", b"table"):
            continue
        if token.text in (b"select", b"infile", b"watch"):
            return None
        if depth == 0 and token.text == b"values":
            return Insert(sql[: token.start], "Values", token.end)
        if depth == 0 and token.text == b"format":
            name = next(stream, None)
            if name is None or name.kind is not TokenKind.WORD:
                return None
            return Insert(
                sql[: token.start], sql[name.start : name.end].decode(), _data_offset(sql, name.end)
            )
    if any(t.kind is TokenKind.BAD for t in seen):
        return None
    end = seen[-1].start if seen[-1].text == b";" else len(sql)
    return Insert(sql[:end], None, len(sql))


def _data_offset(sql: bytes, position: int) -> int:
    """Data begin behind blanks and one line end, as ClickHouse has it."""
    while position < len(sql) and sql[position] in _BLANKS:
        position += 1
    if sql.startswith(b"\r", position):
        position += 1
    return position + 1 if sql.startswith(b"\n", position) else position


def _depth_change(token: Token) -> int:
    if token.kind is not TokenKind.PUNCTUATION:
        return 0
    return (token.text in _OPENING) - (token.text in _CLOSING)


def _follows_semicolon(cut: Sequence[Token]) -> bool:
    separators = [i for i, t in enumerate(cut) if t.text == b";" and t.kind is TokenKind.PUNCTUATION]
    return any(t.text != b";" for i in separators[:1] for t in cut[i:])


def _output_format(sql: bytes, cut: Sequence[Token]) -> str | None:
    depth, found = 0, None
    behind = (*cut[2:], None)
    for previous, token, following, last in zip((None, *cut), cut, cut[1:], behind, strict=False):
        depth += _depth_change(token)
        if depth or token.kind is not TokenKind.WORD or token.text != b"format" or previous is None:
            continue
        ends = last is None or last.text in (b";", b"settings")
        if previous.text != b"." and following.kind is TokenKind.WORD and ends:
            found = sql[following.start : following.end].decode()
    return found


@dataclass(frozen=True, slots=True)
class Hoisted:
    """A statement without its outermost SETTINGS clauses, and what they said.

    Attributes:
        sql: The statement, the clauses replaced by a blank.
        settings: Name and value in the clause's own SQL (`'5'`, `{'a.b': 'c = 1'}`).
    """

    sql: bytes
    settings: tuple[tuple[str, bytes], ...]


def hoist_settings(statement: Statement) -> Hoisted:
    """Takes the outermost SETTINGS clauses out of a query, so that they can be judged and set beforehand.

    Clauses inside brackets stay.

    Args:
        statement: A query.

    Returns:
        The query without the clauses, and their settings in order.
    """
    cut, settings, spans = statement.tokens, list[tuple[str, bytes]](), list[tuple[int, int]]()
    depth, i = 0, 0
    while i < len(cut):
        depth += _depth_change(cut[i])
        if depth == 0 and _is_settings_clause(cut, i):
            start = cut[i].start
            i += 1
            while i + 2 < len(cut) and cut[i + 1].text == b"=":
                end = _value_end(cut, i + 2)
                settings.append((cut[i].text.decode(), statement.sql[cut[i + 2].start : cut[end - 1].end]))
                i = end + 1 if end < len(cut) and cut[end].text == b"," else end
                if end == i:
                    break
            spans.append((start, cut[i].start if i < len(cut) else len(statement.sql)))
            continue
        i += 1
    sql, last = b"", 0
    for start, end in spans:
        sql, last = sql + statement.sql[last:start] + b" ", end
    return Hoisted(sql + statement.sql[last:], tuple(settings))


def _is_settings_clause(cut: Sequence[Token], i: int) -> bool:
    return (
        cut[i] == (TokenKind.WORD, b"settings", cut[i].start, cut[i].end)
        and (i == 0 or cut[i - 1].text != b".")
        and i + 3 < len(cut)
        and cut[i + 1].kind in (TokenKind.WORD, TokenKind.QUOTED)
        and cut[i + 2].text == b"="
    )


def _value_end(cut: Sequence[Token], i: int) -> int:
    """Index of the token behind the value that begins at `i`; a value has at least one token."""
    depth, begin = 0, i
    while i < len(cut):
        token = cut[i]
        closes = _depth_change(token) < 0 and depth == 0
        ends = token.text in (b",", b";") or (
            token.kind is TokenKind.WORD and token.text in _CLAUSES_AFTER_SETTINGS
        )
        if i > begin and depth == 0 and (closes or ends):
            return i
        depth += _depth_change(token)
        i += 1
    return i
