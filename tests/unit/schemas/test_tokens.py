"""Input includes what was cached, whatever the emitter counts."""

import pytest

from schemas import tokens


@pytest.mark.parametrize(
    ("said", "input_tokens", "convention"),
    [
        ({"input_tokens": 100, "output_tokens": 5}, 100, None),
        ({"input_tokens": 100, "cache_read_input_tokens": 60}, 100, "inclusive"),
        ({"input_tokens": 50, "cache_read_input_tokens": 60}, 110, "exclusive_detected"),
        ({"cache_read_input_tokens": 60}, 60, "exclusive_detected"),
        (
            {"input_tokens": 100, "output_tokens": 5, "cache_read_input_tokens": 60, "total_tokens": 105},
            100,
            "inclusive_by_total",
        ),
        (
            {"input_tokens": 100, "output_tokens": 5, "cache_read_input_tokens": 60, "total_tokens": 165},
            160,
            "exclusive_by_total",
        ),
        (
            {"input_tokens": 100, "output_tokens": 5, "cache_read_input_tokens": 60, "total_tokens": 7},
            100,
            "inclusive",
        ),
        (
            {"input_tokens": 9, "output_tokens": 5, "reasoning_output_tokens": 7},
            9,
            "inclusive+reasoning_over_output",
        ),
    ],
)
def test_the_input_includes_what_was_cached(
    said: dict[str, int | None], input_tokens: int, convention: str | None
) -> None:
    assert tokens.settle(said, "s", "1") == convention
    assert said["input_tokens"] == input_tokens
    assert "total_tokens" not in said


def test_an_emitter_in_the_table_counts_apart_until_the_version_that_no_longer_does() -> None:
    for version, expected in (("0.1.12", 500), ("0.1.13", 300), ("0.2", 300), ("0.1", 500)):
        said: dict[str, int | None] = {"input_tokens": 300, "cache_read_input_tokens": 200}
        tokens.settle(said, "openinference.instrumentation.claude_agent_sdk", version)
        assert said["input_tokens"] == expected, version


def test_reasoning_that_the_total_counts_apart_is_added_to_the_output() -> None:
    said: dict[str, int | None] = {
        "input_tokens": 10,
        "output_tokens": 20,
        "reasoning_output_tokens": 30,
        "total_tokens": 60,
    }
    assert tokens.settle(said, "s", "") == "inclusive+reasoning_added"
    assert said["output_tokens"] == 50
    said = {"input_tokens": 10, "output_tokens": 50, "reasoning_output_tokens": 30, "total_tokens": 60}
    assert tokens.settle(said, "s", "") is None
    assert said["output_tokens"] == 50


def test_parts_of_what_was_written_to_the_cache_make_the_whole() -> None:
    said: dict[str, int | None] = {
        "input_tokens": 1000,
        "cache_write_5m_input_tokens": 100,
        "cache_write_1h_input_tokens": 200,
    }
    assert tokens.settle(said, "s", "") == "inclusive"
    assert said["cache_write_input_tokens"] == 300
    assert said["cache_write_1h_input_tokens"] == 200
    assert "cache_write_5m_input_tokens" not in said
