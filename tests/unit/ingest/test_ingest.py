"""INGEST's columns: times flagged, contents bounded, money exact; a row that breaks a block is kept apart."""

import hashlib
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from schemas.columns import CostStatus, TimeFlag
from schemas.decoded import Reason
from schemas.event import Event
from streams.event_time import DAY_NS, EARLIEST_NS
from streams.health import Health
from streams.ingest import stage as stage_module
from streams.ingest.block import Block
from streams.ingest.columns import build_steps
from streams.ingest.contents import build_contents
from streams.ingest.stage import IngestStage
from streams.loop import make_producer
from streams.pricing.book import PriceBook
from streams.settings import Settings

BOOK = PriceBook()
APPEND_NS = 1_750_000_000 * 10**9


def block_of(*events: Event) -> Block:
    block = Block()
    block.add(list(events), range(len(events)), 0, 2, 7, APPEND_NS)
    return block


def event(**fields: Any) -> Event:
    defaults: dict[str, Any] = {"event_id": "e", "kind": "llm", "start_time_unix_nano": APPEND_NS}
    return Event(**(defaults | fields))


def row(**fields: Any) -> dict[str, Any]:
    rows = build_steps(block_of(event(**fields)), BOOK, keep_attributes=True)
    names = [name for name in rows.schema.names if not pa.types.is_timestamp(rows.schema.field(name).type)]
    times = {name: rows.column(name).cast(pa.int64())[0].as_py() for name in ("time", "start_time")}
    return {**{name: rows.column(name)[0].as_py() for name in names}, **times}


@pytest.mark.parametrize(
    ("start_ns", "flag"),
    [
        (EARLIEST_NS, TimeFlag.OK),
        (EARLIEST_NS - 1, TimeFlag.BEFORE_2020),
        (-(2**63), TimeFlag.BEFORE_2020),
        (APPEND_NS + DAY_NS, TimeFlag.OK),
        (APPEND_NS + DAY_NS + 1, TimeFlag.AFTER_APPEND),
        (2**63 - 1, TimeFlag.AFTER_APPEND),
    ],
)
def test_a_time_out_of_range_is_kept_beside_1970_and_flagged(start_ns: int, flag: TimeFlag) -> None:
    found = row(start_time_unix_nano=start_ns, end_time_unix_nano=2**63 - 1)
    assert found["time_flag"] == flag
    assert found["start_time"] == start_ns
    assert found["time"] == (start_ns if flag is TimeFlag.OK else 0)


def test_an_end_before_the_start_gives_no_duration() -> None:
    found = row(end_time_unix_nano=APPEND_NS - 1)
    assert (found["duration_ns"], found["time_flag"]) == (None, TimeFlag.ENDS_BEFORE_START)


def test_cached_tokens_are_billed_once_and_parts_add_up() -> None:
    found = row(
        provider_name="openai",
        request_model="gpt-4o-mini",
        input_tokens=1_000_000,
        cache_read_input_tokens=400_000,
        output_tokens=100_000,
    )
    # 0.15, 0.075 and 0.60 USD a million, as OpenAI publishes them.
    expected = (
        Decimal("0.6") * Decimal("0.15") + Decimal("0.4") * Decimal("0.075") + Decimal("0.1") * Decimal("0.6")
    )
    assert Decimal(found["cost_pico_usd"]).scaleb(-12) == expected
    parts = ("input", "cache_read", "cache_write", "output")
    assert found["cost_pico_usd"] == sum(found[f"cost_{part}_pico_usd"] for part in parts)


def test_an_unknown_model_costs_null_and_a_roll_up_is_not_billed() -> None:
    unknown = row(request_model="no-such-model-anywhere", input_tokens=5)
    rollup = row(kind="agent", request_model="gpt-4o-mini", input_tokens=5)
    silent = row(request_model="gpt-4o-mini")
    assert [found["cost_status"] for found in (unknown, rollup, silent)] == [
        CostStatus.UNPRICED,
        CostStatus.ROLLUP,
        CostStatus.NONE,
    ]
    assert [found["cost_pico_usd"] for found in (unknown, silent)] == [None, None]
    assert rollup["usage_cost_pico_usd"] == 750_000, "what its usage costs, were it billed"
    assert rollup["price_status"] == CostStatus.PRICED


def test_a_long_content_is_cut_at_a_character_and_hashed_whole() -> None:
    text = "ä" * 200
    block = block_of(event(input_messages=msgspec.Raw(msgspec.json.encode(text))))
    contents = build_contents(block, build_steps(block, BOOK, keep_attributes=True), 101)
    assert contents is not None
    assert contents.column("content").to_pylist() == ["ä" * 50]
    assert contents.column("length_bytes").to_pylist() == [400]
    assert contents.column("hash").to_pylist() == [hashlib.blake2b(text.encode(), digest_size=16).hexdigest()]


def test_the_policy_drop_keeps_no_attribute() -> None:
    rows = build_steps(block_of(event(attributes={"prompt": "secret"})), BOOK, keep_attributes=False)
    assert rows.column("attributes").null_count == 1


def test_a_row_that_breaks_a_block_is_kept_and_its_neighbours_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(kafka="127.0.0.1:1", partitions=4)
    producer = make_producer(settings, "test")
    stage = IngestStage(settings, producer, 1, Health("ingest"))

    def fragile(block: Block, book: PriceBook, *, keep_attributes: bool) -> pa.RecordBatch:
        if any(given.event_id == "bad" for given in block.events):
            raise ZeroDivisionError("a bug")
        return build_steps(block, book, keep_attributes=keep_attributes)

    monkeypatch.setattr(stage_module, "build_steps", fragile)
    stage.frame(block_of(*(event(event_id=name) for name in ("a", "b", "bad", "c", "d"))))
    assert stage.metrics.steps_total == 4
    [letter] = stage.letters
    assert letter.rejected.reason is Reason.INTERNAL
    assert (letter.rejected.number, letter.partition, letter.offset) == (2, 2, 7)
    assert msgspec.json.decode(letter.rejected.original)["event_id"] == "bad"
    producer.purge()
