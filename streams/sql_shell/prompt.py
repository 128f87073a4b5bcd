"""What does a person see? A prompt with history, completion and colours; Enter runs what is complete.

The work of a terminal is prompt_toolkit's. It is imported when a prompt is asked for.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer

from schemas.questions import load_questions
from streams.sql_shell.answers import Format, has_rows
from streams.sql_shell.backslash import NAMES
from streams.sql_shell.errors import describe
from streams.sql_shell.shell import Shell
from streams.sql_shell.statements import is_complete, is_open, leaves, split_statements
from streams.sql_shell.words import Words, load_words

PROMPT, CONTINUED = "wakeline> ", "       -> "


def history_file() -> Path:
    """Where the prompt's history is kept, by the XDG rules."""
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "state") / "wakeline" / "sql_history"


class ShellCompleter(Completer):
    """Words of the database, and commands. Attributes: words."""

    def __init__(self, words: Words) -> None:
        """
        Args:
            words: of the database; may be put in anew.
        """
        self.words = words

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002  # of the interface
    ) -> Iterable[Completion]:
        """What may follow the cursor; nothing within literals and comments."""
        before = document.text_before_cursor
        if before.lstrip().startswith("\\"):
            yield from self._commands(before.lstrip())
            return
        if is_open(before):
            return
        for word in self.words.matching(before, document.text):
            yield Completion(word.text, start_position=-word.replaces, display_meta=word.sort)

    def _commands(self, before: str) -> Iterable[Completion]:
        name, space, argument = before.partition(" ")
        if not space:
            choices: Iterable[str] = NAMES
            argument = name
        elif name == "\\d":
            choices = self.words.tables
        elif name == "\\questions":
            choices = [one.name for one in load_questions()]
        elif name == "\\format":
            choices = get_args(Format)
        else:
            choices = ()
        for choice in choices:
            if choice.startswith(argument):
                yield Completion(choice, start_position=-len(argument))


def run_prompt(shell: Shell) -> int:
    """Read and run until the end of input, `exit`, `quit` or `\\q`.

    Returns:
        0: a statement that fails at a prompt is no failure of the prompt.
    """
    completer = ShellCompleter(_words_of(shell))
    session = _session(completer)
    print("\\questions lists examples, \\d the tables, \\? all commands. Statements end with ;")
    while True:
        try:
            text = session.prompt(PROMPT)
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        if leaves(text):
            return 0
        try:
            statements, _ = split_statements(text)
            if shell.run(statements) and not all(has_rows(one.text) or one.is_command for one in statements):
                completer.words = _words_of(shell)
        except KeyboardInterrupt:
            print("Interrupted", file=sys.stderr)


def _words_of(shell: Shell) -> Words:
    """None where the user may not read what the server knows: then nothing is completed."""
    from clickhouse_connect.driver.exceptions import Error

    try:
        return load_words(shell.client)
    except Error as error:
        print(f"Nothing is completed: {describe(error)}", file=sys.stderr)
        return Words()


def _session(completer: ShellCompleter) -> "PromptSession[str]":
    path = history_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)  # statements may hold what is private
    return PromptSession(
        history=FileHistory(path),
        completer=completer,
        complete_while_typing=True,
        lexer=PygmentsLexer(SqlLexer),
        multiline=Condition(lambda: not is_complete(get_app().current_buffer.text)),
        prompt_continuation=CONTINUED,
        enable_history_search=False,
        mouse_support=False,
    )
