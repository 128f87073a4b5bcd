"""How many steps a second does DRIFT take on one core, and how is that beside reading the frames alone?

Called by the bench harness, or alone: ``python -m tests.bench.drift_speed``. Frames of 5,000 rows, 200 agents
of 5 steps each, 5,000 steps to a second of clock, so that minutes, epochs and the 5 s of sending come at
their rate. ``decode_batch`` copies nothing and looks at no row, so a ratio to it says little; the second
ratio is to decoding and bringing every column that DRIFT needs to numpy.
"""

from collections.abc import Callable
from time import perf_counter

import numpy as np
import pyarrow as pa

from detectors.startup import warm_up
from schemas.columns import TIME, Kind
from schemas.frame import (
    MAX_ROWS,
    NO_LABEL,
    Label,
    Writer,
    decode_batch,
    decode_header,
    encode,
    make_batch,
    make_header,
)
from streams.drift.params import Params
from streams.drift.processor import DriftProcessor
from streams.drift.signals import SIGNALS, values_of
from streams.drift.watch import Watch
from streams.state.processor import Place
from streams.windows.labels import encode_labels
from streams.windows.segments import SEGMENT_COLUMNS
from streams.windows.sums import integers, weighted_columns
from streams.windows.windows import SECOND_NS, WindowParams, Windows

AGENTS, STEPS = 200, 5
FRAMES = 200
WARM_FRAMES = 40  # 200 observations a stream: references are learnt before the clock runs
START_NS = 1_750_000_000 * SECOND_NS


def make_rows(number: int, rng: np.random.Generator) -> pa.RecordBatch:
    """One second of traffic."""
    n = MAX_ROWS
    time_ns = START_NS + number * SECOND_NS + np.arange(n) * (SECOND_NS // n)
    return make_batch(
        Kind.SIGNALS,
        {
            "event_id": pa.array([f"{number:08x}{row:08x}" for row in range(n)]),
            "run_id": pa.array([f"{number:08x}{row // 10:024x}" for row in range(n)]),
            "weight": pa.array(np.ones(n, np.int8)),
            "first": pa.array(np.ones(n, np.bool_)),
            "kind": pa.array(["llm"] * n),
            "step_name": pa.array([f"step-{step}" for step in rng.integers(0, STEPS, n)]),
            "agent_name": pa.array([f"agent-{agent}" for agent in rng.integers(0, AGENTS, n)]),
            "agent_version": pa.array(["2026-01"] * n),
            "environment": pa.array(["production"] * n),
            "model": pa.array(["gpt-4o-mini"] * n),
            "time": pa.array(time_ns).cast(TIME),
            "append_time": pa.array(time_ns + SECOND_NS).cast(TIME),
            "duration_ns": pa.array((rng.lognormal(0, 0.5, n) * SECOND_NS).astype(np.int64)),
            "input_tokens": pa.array(rng.integers(1, 4_000, n)),
            "output_tokens": pa.array((rng.pareto(2, n) * 100).astype(np.int64)),
            "cost_pico_usd": pa.array(rng.integers(1, 10**9, n)),
            "cost_status": pa.array(np.ones(n, np.int8)),
            "error": pa.array(np.zeros(n, np.bool_)),
        },
    )


def make_frames() -> list[bytes]:
    """Encoded frames of one input partition, labelled."""
    rng, previous, frames = np.random.default_rng(1), NO_LABEL, []
    for number in range(WARM_FRAMES + FRAMES):
        label = Label(number, 0)
        header = make_header(
            Kind.SIGNALS,
            Writer.RUNS,
            rows=MAX_ROWS,
            partition=0,
            partitions=1,
            label=label,
            previous=previous,
        )
        frames.append(encode(header, make_rows(number, rng)))
        previous = label
    return frames


def clock_ns(number: int) -> int:
    """At a frame."""
    return START_NS + (number + 1) * SECOND_NS


def decode(value: bytes) -> pa.RecordBatch:
    return decode_batch(decode_header(value), value)


def read(value: bytes) -> None:
    """Decode, and bring each column that DRIFT needs to numpy."""
    batch = decode(value)
    for name in SEGMENT_COLUMNS:
        encode_labels(batch.column(name))
    weighted_columns(batch, integers(batch.column("weight")))
    values_of(batch, np.ones((batch.num_rows, len(SIGNALS)), np.bool_))
    for name in ("time", "append_time"):
        integers(batch.column(name))


def seconds(frames: list[bytes], action: Callable[[int, bytes], object]) -> float:
    """Of taking all frames, the first ones apart."""
    for number, frame in enumerate(frames[:WARM_FRAMES]):
        action(number, frame)
    start = perf_counter()
    for number, frame in enumerate(frames[WARM_FRAMES:], start=WARM_FRAMES):
        action(number, frame)
    return perf_counter() - start


def take_whole() -> Callable[[int, bytes], object]:
    """All of DRIFT, decoding included."""
    processor = DriftProcessor(Place(Writer.DRIFT, 0, 1), Params("bench"))
    return lambda number, frame: processor.process(
        decode_header(frame), decode(frame), number, clock_ns(number)
    )


def take_windows() -> Callable[[int, bytes], object]:
    """Windows alone, with what they send."""
    windows = Windows(WindowParams(), 0)

    def take(number: int, frame: bytes) -> None:
        batch = decode(frame)
        windows.advance(clock_ns(number))
        windows.add(batch, {name: encode_labels(batch.column(name)) for name in SEGMENT_COLUMNS})

    return take


def take_detectors() -> Callable[[int, bytes], object]:
    """Detectors alone, with readings, incidents and alerts."""
    watch = Watch(Params("bench"))

    def take(number: int, frame: bytes) -> None:
        batch = decode(frame)
        labels = {name: encode_labels(batch.column(name)) for name in ("agent_name", "step_name")}
        watch.take(batch, labels, clock_ns(number), event_clock=False)

    return take


def run() -> list[tuple[str, float, str]]:
    """Measure everything, about 15 s: (what, value, unit)."""
    warm_up()
    frames = make_frames()
    steps = FRAMES * MAX_ROWS
    decoding = seconds(frames, lambda _, frame: decode(frame))
    reading = seconds(frames, lambda _, frame: read(frame))
    results = [
        ("drift: decode_batch alone", steps / decoding, "steps/s"),
        ("drift: decode and read the columns", steps / reading, "steps/s"),
    ]
    for name, make in (
        ("drift: windows and detectors", take_whole),
        ("drift: windows alone", take_windows),
        ("drift: detectors alone", take_detectors),
    ):
        taken = seconds(frames, make())
        results += [
            (name, steps / taken, "steps/s"),
            (f"{name} / decode_batch alone", decoding / taken, "x"),
            (f"{name} / decode and read the columns", reading / taken, "x"),
        ]
    return results


if __name__ == "__main__":
    for what, value, unit in run():
        print(f"{what:70s} {value:16.4f} {unit}")
