"""What RUNS makes of a set of steps does not depend on the order in which they come."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from schemas.columns import Kind
from schemas.frame import Flag, Writer, make_header
from schemas.native import decode
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.pricing.book import PriceBook
from streams.runs.params import Params
from streams.runs.processor import RunsProcessor
from streams.state.processor import Output, Place
from tests.crash.dialects import Step, native
from tests.crash.load import make_steps

APPEND_NS = 1_762_170_000 * 10**9
SECOND_NS = 10**9
BOOK = PriceBook()
# When RUNS met a run, and how many messages that took, is a matter of arrival.
ARRIVAL = ("part", "opened_time", "append_time")


class Fed:
    """RUNS over one partition, and what it sent: runs as they were last, signals added up."""

    def __init__(self, wait_ns: int) -> None:
        self._processor = RunsProcessor(Place(Writer.RUNS, 0, 1), Params("n", loop_calls=5))
        self._wait_ns = wait_ns
        self._clock_ns = APPEND_NS
        self._offset = self._index = 0
        self.runs: dict[str, dict[str, str]] = {}
        self.signals: Counter[tuple[str, ...]] = Counter()
        self.first: Counter[str] = Counter()

    def feed(self, steps: Sequence[Step]) -> None:
        """One frame and a tick."""
        events = decode(native(steps)).events
        block = Block()
        block.add(list(events), range(self._index, self._index + len(events)), 0, 0, 0, APPEND_NS)
        self._index += len(events)
        batch = build_steps(block, BOOK, keep_attributes=True)
        self._process(Kind.STEPS, Flag.NONE, batch)
        self._clock_ns += self._wait_ns
        self._process(Kind.TICK, Flag.NONE)

    def end(self) -> None:
        self._process(Kind.TICK, Flag.END)

    def found(self) -> tuple[Any, ...]:
        return self.runs, {key: weight for key, weight in self.signals.items() if weight}, self.first

    def _process(self, kind: Kind, flags: Flag, batch: pa.RecordBatch | None = None) -> None:
        rows = 0 if batch is None else batch.num_rows
        flags |= Flag.EVENT_CLOCK
        header = make_header(kind, Writer.INGEST, rows=rows, flags=flags, clock_ns=self._clock_ns)
        for output in self._processor.process(header, batch, self._offset, self._clock_ns):
            if isinstance(output, Output) and output.rows is not None:
                self._keep(output.kind, output.rows)
        self._offset += 1

    def _keep(self, kind: Kind, rows: pa.RecordBatch) -> None:
        columns = {name: [str(cell) for cell in rows.column(name)] for name in rows.schema.names}
        for values in zip(*columns.values(), strict=True):
            row = dict(zip(columns, values, strict=True))
            if kind is Kind.RUNS:
                self.runs[row["run_id"]] = {name: row[name] for name in row if name not in ARRIVAL}
            elif kind is Kind.SIGNALS:
                weight, first = int(row.pop("weight")), row.pop("first") == "True"
                if weight:
                    self.first[row["event_id"]] += first
                    self.signals[tuple(row.values())] += weight


def put_through(steps: Sequence[Step], rng: random.Random) -> tuple[Any, ...]:
    fed = Fed(wait_ns=rng.choice((SECOND_NS // 10, 20 * SECOND_NS)))
    place = 0
    while place < len(steps):
        some = steps[place : place + rng.choice((1, 3, 50))]
        place += len(some)
        fed.feed(some)
    fed.end()
    return fed.found()


def changed(step: Step, **fields: Any) -> Step:
    """The step with other fields; None takes one away."""
    merged = step.fields | fields
    return Step(step.end_ns, {key: value for key, value in merged.items() if value is not None})


def started(step: Step, **fields: Any) -> Step:
    return changed(step, state="started", end_time_unix_nano=None, input_tokens=None, **fields)


def with_contents(steps: Sequence[Step], rng: random.Random) -> list[Step]:
    """The steps, starts of some, and other contents under the ids of some."""
    made = list(steps)
    for step in steps:
        if rng.random() < 0.3:
            made.append(started(step))
        if rng.random() < 0.3:
            made.append(started(step, agent_name=rng.choice((None, "other")), agent_version=None))
        if rng.random() < 0.2:
            made.append(changed(step, input_tokens=None, output_tokens=None))
        if rng.random() < 0.1:
            made.append(changed(step, agent_name="other"))
        if rng.random() < 0.1:
            made.append(changed(step, agent_name=None, agent_version=None))
    return made


@pytest.mark.parametrize("seed", range(12))
def test_any_order_and_framing_gives_the_same_runs_and_sums(seed: int) -> None:
    rng = random.Random(seed)
    steps = with_contents(make_steps(seed, 3), rng)
    expected = put_through(steps, rng)
    assert set(expected[2].values()) == {1}, "detectors see each step once"
    for _ in range(3):
        rng.shuffle(steps)
        assert put_through(steps, rng) == expected


def test_an_agent_that_only_the_end_names_is_given_to_children_met_before() -> None:
    steps = make_steps(18, 3)
    agent = next(s for s in steps if s.fields["kind"] == "agent" and "parent_event_id" in s.fields)
    root = next(s for s in steps if s.fields["event_id"] == agent.fields["parent_event_id"])
    child = next(s for s in steps if s.fields.get("parent_event_id") == agent.fields["event_id"])
    begun = started(agent, agent_name=None, agent_version=None)
    found = []
    for order in ([root, begun, agent, child], [root, begun, child, agent]):
        fed = Fed(SECOND_NS)
        for step in order:
            fed.feed([step])
        fed.end()
        found.append(fed.found())
    assert found[0] == found[1]
