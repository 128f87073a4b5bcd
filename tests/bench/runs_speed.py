"""How fast does RUNS process frames, without Kafka? Against reading the same frames alone."""

from schemas.columns import Kind
from schemas.frame import Writer, decode_batch, decode_header, encode, make_header
from streams.runs.params import SECOND_NS, Params
from streams.runs.processor import RunsProcessor
from streams.state.processor import Output, Place
from tests.bench.clock import Row, best_s
from tests.bench.load import START_NS, make_frames

STEPS = 200_000


def run() -> list[Row]:
    """Rows of the table."""
    frames = make_frames(STEPS)
    read_s = best_s(lambda: [decode_batch(decode_header(value), value) for value in frames])
    ours_s = best_s(lambda: _process(frames), runs=3)
    return [
        ("runs: reading frames alone", STEPS / read_s, "steps/s"),
        ("runs: process, with a tick a frame", STEPS / ours_s, "steps/s"),
        ("runs: share of reading alone", read_s / ours_s, "ratio"),
    ]


def _process(frames: list[bytes]) -> None:
    processor = RunsProcessor(Place(Writer.RUNS, 0, 4), Params("bench"))
    tick = make_header(Kind.TICK, Writer.INGEST)
    for number, value in enumerate(frames):
        header = decode_header(value)
        now_ns = START_NS + 10**12 + number * SECOND_NS
        processor.process(header, decode_batch(header, value), 2 * number, now_ns)
        for output in processor.process(tick, None, 2 * number + 1, now_ns):
            if isinstance(output, Output) and output.rows is not None:
                encode(make_header(output.kind, Writer.RUNS, rows=output.rows.num_rows), output.rows)
