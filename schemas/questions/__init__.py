"""What do people ask first, and in which SQL? One file a question; this module reads them.

A file begins with two comments: `title` and `question`. Its SQL is complete: `{namespace:String}`,
`{since:DateTime('UTC')}` and `{until:DateTime('UTC')}` are ClickHouse's own parameters.
`python -m schemas.questions` writes docs/questions.md from the files, `--check` compares.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_NAME = re.compile(r"^(\d\d)_([a-z0-9_]+)\.sql$")
_HEADER = re.compile(r"-- title: (?P<title>.+)\n-- question: (?P<question>.+\?)\n")
PARAMETERS = ("namespace", "since", "until")


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        number: from 1, the order in which they are shown.
        name: of its file, without number.
        title: a few words.
        question: what it answers.
        sql: one statement without its semicolon.
    """

    number: int
    name: str
    title: str
    question: str
    sql: str


@cache
def load_questions() -> tuple[Question, ...]:
    """All questions in order.

    Raises:
        ValueError: a file is not named `NN_name.sql`, lacks its header, or numbers have holes.
    """
    found = []
    for file in resources.files(__name__).iterdir():
        if file.name.endswith(".sql"):
            text = file.read_text(encoding="utf-8")
            name, header = _NAME.match(file.name), _HEADER.match(text)
            if name is None or header is None:
                raise ValueError(f"{file.name}: NN_name.sql that begins with the comments title and question")
            sql = text[header.end() :].strip().rstrip(";")
            found.append(Question(int(name[1]), name[2], header["title"], header["question"], sql))
    found.sort(key=lambda question: question.number)
    if [question.number for question in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"Questions are numbered {[question.number for question in found]}")
    return tuple(found)


def find_question(which: str) -> Question | None:
    """The question of a number or a name; None: there is none."""
    return next((one for one in load_questions() if which in (str(one.number), one.name)), None)
