"""What real instrumentations send is decoded and priced to what the provider billed."""

import importlib.util
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from schemas import otlp
from schemas.event import Event
from tests.instrumentations.double import Bill, Double
from tests.unit.runs.frames import Feed

NAMES = (
    "otel-openai",
    "openinference-openai",
    "openllmetry-openai",
    "openinference-anthropic",
    "openllmetry-anthropic",
)
# Anthropic's own package has spans too, which tell of each call once more.
OWN_SPANS = "com.anthropic.sdk.python"
# It tells no cached tokens, so nobody can know that they were cheaper.
NO_CACHE = "otel-openai"
# Of a stream it adds the first count of output tokens to the last: (instrumentation, call) -> how many.
WRONG_OUTPUT = {("openllmetry-anthropic", 3): 1}


def drive(name: str, double: Double, folder: Path) -> list[Event]:
    """The events of three calls under one instrumentation."""
    file = folder / "spans.pb"
    command = [sys.executable, "-m", "tests.instrumentations.drive", name, double.url, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    decoded = otlp.decode(file.read_bytes())
    assert decoded.rejected == []
    return decoded.events


@pytest.fixture
def double() -> Double:
    return Double()


@pytest.mark.skipif(importlib.util.find_spec("openai") is None, reason="the package openai is not installed")
@pytest.mark.parametrize("name", NAMES)
def test_tokens_and_cost_are_those_that_were_billed(name: str, double: Double, tmp_path: Path) -> None:
    events = drive(name, double, tmp_path)
    own = [event for event in events if event.scope_name == OWN_SPANS]
    calls = [event for event in events if event.scope_name != OWN_SPANS]
    assert len(double.bills) == len(calls) == 3
    assert len(own) == (3 if name.endswith("anthropic") else 0)
    for number, bill in enumerate(double.bills, 1):
        for event in (event for event in events if event.response_id == bill.response_id):
            told = event.scope_name != OWN_SPANS
            check_tokens(bill, event, name, WRONG_OUTPUT.get((name, number), 0) if told else 0)
    assert {event.kind for event in events} == {"llm"}
    if name == "openllmetry-anthropic":
        # Its spans are no parents: each call is in two traces, and the views leave one out.
        events = calls[:2]
    check_cost(events, double.bills[: len({event.response_id for event in events})], cached=name != NO_CACHE)


def check_tokens(bill: Bill, event: Event, name: str, too_many: int) -> None:
    assert event.input_tokens == bill.uncached + bill.cache_read + bill.cache_write
    assert event.output_tokens == bill.output + too_many
    if name == NO_CACHE:
        assert event.cache_read_input_tokens is None
    else:
        assert event.cache_read_input_tokens == bill.cache_read
        assert (event.cache_write_input_tokens or 0) == bill.cache_write


def check_cost(events: list[Event], bills: list[Bill], *, cached: bool) -> None:
    """Through RUNS, which bills a call in two spans once."""
    feed = Feed()
    feed.frame(events)
    feed.end()
    cost = sum(run["cost_pico_usd"] for run in feed.runs().values())
    billed = sum((bill.usd for bill in bills), Decimal(0))
    if not cached:
        # 0.15 USD a million in the place of 0.075.
        billed += sum(Decimal(bill.cache_read) * Decimal("0.075") / 1_000_000 for bill in bills)
    assert Decimal(cost).scaleb(-12) == billed
