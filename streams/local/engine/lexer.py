"""Which tokens does a ClickHouse statement consist of, as the engine itself would cut it?

The reader's policy and the split of INSERT into statement and data stand on it. It works on bytes, because
what follows `FORMAT Native` is not text. It does not parse: where cutting is ambiguous it yields `BAD`,
which the policy refuses. Comments and literals never yield words, so that what they say cannot matter.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple


class TokenKind(Enum):
    """What a token is."""

    WORD = "word"  # keyword or bare identifier; the text is in lower case
    QUOTED = "quoted"  # identifier in backticks or double quotes; the text is what it names
    STRING = "string"  # single quotes or heredoc
    NUMBER = "number"  # a run of digits only: a number must not swallow the keyword behind it
    PUNCTUATION = "punctuation"  # one ASCII character
    BAD = "bad"  # an open literal, or a byte outside of ASCII: engines differ, so we refuse


class Token(NamedTuple):
    """One token.

    Attributes:
        kind: What it is.
        text: Lower-case word, unescaped name, or the bytes as they stand.
        start: Offset of its first byte in the statement.
        end: Offset behind its last byte.
    """

    kind: TokenKind
    text: bytes
    start: int
    end: int


# Comments of engine 26.9, as tried: `--`, `//`, `# ` and `#!` to the end of line; `/* */`, not nested.
_TOKEN = re.compile(
    rb"""
      (?P<skip> [ \t\r\n\f\v]++ | --[^\n]*+ | //[^\n]*+ | \#[ !][^\n]*+ | /\*.*?\*/ )
    | (?P<string> '(?:[^'\\]++|\\.|'')*+' )
    | (?P<quoted> "(?:[^"\\]++|\\.|"")*+" | `(?:[^`\\]++|\\.|``)*+` )
    | (?P<heredoc> \$(?P<tag>[A-Za-z0-9_]*+)\$.*?\$(?P=tag)\$ )
    | (?P<word> [A-Za-z_][A-Za-z0-9_$]*+ )
    | (?P<number> [0-9]++ )
    | (?P<punctuation> [!%&()*+,\-./:;<=>?@\[\]^{|}~\#\\] )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(rb"\\(.)|([\"'`])\2", re.DOTALL)
# `\x66ile` names file. Only escapes that stand for themselves are read; names with others are BAD.
_ODD_ESCAPE = re.compile(rb"\\[^\\\"'`]", re.DOTALL)
_KINDS = {
    "string": TokenKind.STRING,
    "heredoc": TokenKind.STRING,
    "number": TokenKind.NUMBER,
    "punctuation": TokenKind.PUNCTUATION,
}


def tokens(sql: bytes) -> Iterator[Token]:
    """Cuts a statement lazily, so that data behind an INSERT is never looked at.

    Args:
        sql: The statement, in any ASCII-compatible encoding.

    Yields:
        Tokens in order, without blanks and comments. After a `BAD` token nothing follows.
    """
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None or (match.lastgroup == "punctuation" and sql.startswith(b"/*", position)):
            yield Token(TokenKind.BAD, sql[position : position + 1], position, position + 1)
            return
        start, position = position, match.end()
        group = match.lastgroup
        if group == "skip":
            continue
        if group == "word":
            yield Token(TokenKind.WORD, match["word"].lower(), start, position)
        elif group == "quoted":
            name = unescape(match["quoted"][1:-1])
            if name is None:
                yield Token(TokenKind.BAD, match["quoted"], start, position)
                return
            yield Token(TokenKind.QUOTED, name, start, position)
        else:
            yield Token(_KINDS[group or ""], match.group(), start, position)


def unescape(inner: bytes) -> bytes | None:
    """What a quoted text stands for.

    Args:
        inner: The text between its quotes.

    Returns:
        The text, or None if it has escapes such as `\\x66` or `\\n` (pairs are read left to right).
    """
    if any(_ODD_ESCAPE.fullmatch(m.group()) for m in re.finditer(rb"\\.", inner, re.DOTALL)):
        return None
    return _ESCAPED.sub(lambda m: m[1] or m[2], inner)
