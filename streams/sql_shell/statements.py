"""Where does a statement end? At a semicolon or `\\G` outside of literals and comments.

A line that begins with a backslash where no statement is open is a command of the shell.
"""

import re
from typing import NamedTuple

# A literal or comment as a whole, an open one up to the end, an end, a command, or a character.
_PIECE = re.compile(
    r"""(?P<quoted>'(?:[^'\\]|\\.|'')*+'|"(?:[^"\\]|\\.|"")*+"|`(?:[^`\\]|\\.|``)*+`)
    |(?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<open>['"`].*|/\*.*)
    |(?P<vertical>\\G\s*;?)
    |(?P<end>;)
    |(?P<command>\\[^\n]*)
    |(?P<other>[^'"`/;\\-]+|.)""",
    re.DOTALL | re.VERBOSE,
)
_LEAVE = ("exit", "quit")


class Statement(NamedTuple):
    """One statement, or one command.

    Attributes:
        text: without its end and without comments; a command begins with a backslash.
        vertical: it ended with `\\G`: a line a value.
    """

    text: str
    vertical: bool = False

    @property
    def is_command(self) -> bool:
        """A command of the shell, none of SQL."""
        return self.text.startswith("\\")


def split_statements(text: str) -> tuple[list[Statement], str]:
    """Cut a text.

    Args:
        text: statements; data behind an INSERT ends at a semicolon like everything else. A line that begins
            with a backslash where no statement is open is a command.

    Returns:
        Complete statements and commands, and what follows the last one.
    """
    done: list[Statement] = []
    current: list[str] = []
    for match in _PIECE.finditer(text):
        sort, piece = match.lastgroup, match.group()
        is_first = not "".join(current).strip()
        if sort in ("end", "vertical") and not (is_first and sort == "vertical"):
            done.append(Statement("".join(current).strip(), sort == "vertical"))
            current = []
        elif sort in ("command", "vertical") and is_first:
            done.append(Statement(piece.strip().rstrip(";").rstrip()))
            current = []
        elif sort == "comment":
            current.append(" ")
        else:
            current.append(piece)
    return [statement for statement in done if statement.text], "".join(current).strip()


def is_complete(text: str) -> bool:
    """Is nothing open, so that Enter may run it?"""
    return split_statements(text)[1] in ("", *_LEAVE)


def is_open(text: str) -> bool:
    """Does it end within a literal or a comment?"""
    last = next(reversed(list(_PIECE.finditer(text))), None)
    return last is not None and (last.lastgroup == "open" or last.group().startswith("--"))


def leaves(text: str) -> bool:
    """Does it end the prompt?"""
    return text.strip().rstrip(";").lower() in (*_LEAVE, "\\q")
