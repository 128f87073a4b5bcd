"""What names mean is remembered, within bounds, and never what values they had."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.attributes import read
from schemas.spans.flattened import filled, nested
from schemas.spans.shape import MAX_CHARS, MAX_NAMES, MAX_SHAPES, Shapes

PATHS = st.lists(st.text("01.a", min_size=1, max_size=12), unique=True, max_size=12)
LEAVES = st.text(max_size=3) | st.integers() | st.booleans() | st.just([1])


@given(PATHS, st.lists(LEAVES, min_size=12, max_size=12))
def test_a_list_made_of_places_and_filled_is_the_list_made_of_values(
    paths: list[str], values: list[Any]
) -> None:
    form = nested((path, place) for place, path in enumerate(paths))
    assert filled(form, values) == nested(zip(paths, values, strict=False))


def test_shapes_are_forgotten_when_there_are_many() -> None:
    shapes = Shapes()
    for number in range(MAX_SHAPES + 1):
        assert shapes[(f"name{number}",)].rest == [(f"name{number}", 0)]
    assert list(shapes) == [(f"name{MAX_SHAPES}",)]


@pytest.mark.parametrize("names", [tuple(map(str, range(MAX_NAMES + 1))), ("a" * (MAX_CHARS + 1),)])
def test_shapes_of_many_or_long_names_are_not_remembered(names: tuple[str, ...]) -> None:
    shapes = Shapes()
    assert len(shapes[names].rest) == len(names)
    assert not shapes


def test_spans_of_one_shape_share_no_value() -> None:
    name, json = "gen_ai.usage.prompt_tokens", "langfuse.observation.usage_details"
    first = read({name: 5, json: '{"output": 7}', "llm.tools.0.name": "a", "mine": 1})
    other = read({name: 6, json: '{"output": 8}', "llm.tools.0.name": {"b": 1}, "mine": 2})
    silent = read({name: "", json: "{}", "llm.tools.0.name": "c", "mine": 3})
    fields = ("input_tokens", "output_tokens", "tool_definitions")
    said = [[found and found.value for found in map(one.first, fields)] for one in (first, other, silent)]
    assert said == [[5, 7, [{"name": "a"}]], [6, 8, [{"name": {"b": 1}}]], [None, None, [{"name": "c"}]]]
    assert [one.rest["mine"] for one in (first, other, silent)] == [1, 2, 3]
    first.rest["mine"] = 9
    assert read({name: 5, "mine": 1}).rest == {"mine": 1}
