"""Names with places in them become lists again, and no name makes that dear."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import dialect
from schemas.attributes import nested, read


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"0.message.role": "user", "0.message.content": "Hi"}, [{"role": "user", "content": "Hi"}]),
        ({"10.role": "b", "9.role": "a"}, [{"role": "a"}, {"role": "b"}]),
        ({"999999.role": "far"}, [{"role": "far"}]),
        (
            {"0.contents.1.message_content.text": "b", "0.contents.0.message_content.text": "a"},
            [{"contents": [{"text": "a"}, {"text": "b"}]}],
        ),
        ({"0.a": 1, "0.a.b": 2}, [{"a": {"": 1, "b": 2}}]),
        ({"0.a.b": 2, "0.a": 1}, [{"a": {"b": 2, "": 1}}]),
    ],
)
def test_paths_become_lists_and_objects(said: dict[str, Any], expected: Any) -> None:
    assert nested(said.items()) == expected


@given(st.lists(st.tuples(st.text("01.a", min_size=1, max_size=40), st.integers())))
def test_any_paths_become_something_that_is_json(items: list[tuple[str, int]]) -> None:
    def depth(node: Any) -> int:
        inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        return 1 + max(map(depth, inside), default=0)

    assert depth(nested(items)) <= 20


def test_a_name_means_one_field() -> None:
    lines = (dialect.LABELS, dialect.TOKENS, dialect.NUMBERS, dialect.FLAGS, dialect.CONTENTS, dialect.LISTS)
    names = [name for line in lines for aliases in line.values() for name in aliases]
    assert len(names) == len(set(names)) > 200


def test_the_name_that_stands_first_on_its_line_wins_whatever_comes_first() -> None:
    for attributes in (
        {"gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.input_tokens": 5},
        {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.prompt_tokens": 7},
    ):
        first = read(attributes).first("input_tokens")
        assert first is not None
        assert first.value == 5
