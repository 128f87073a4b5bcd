"""Which stored steps would cost otherwise under a price book, and by how much? Writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from schemas.columns import CostStatus
from streams.pricing.apply import COLUMNS, Usage, price
from streams.pricing.book import PriceBook
from streams.pricing.rates import PICO_PER_USD

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

HOUR_S = 3_600
# Rows priced at once; 2 kB each.
CHUNK = 50_000
_TOKENS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_write_input_tokens",
    "cache_write_1h_tokens": "cache_write_1h_input_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "reasoning_tokens": "reasoning_output_tokens",
}
_LABELS = ("provider_name", "request_model", "response_model", "service_tier", "server_address")
_MONEY = ("cost_usd", *(f"cost_{part}_usd" for part in COLUMNS), "usage_cost_usd")
_READ = (
    "event_id",
    "run_id",
    "agent_name",
    "model",
    "kind",
    *_LABELS,
    *_TOKENS.values(),
    "response_cached",
    "reported_cost_usd",
    *_MONEY,
    "toString(cost_status) AS cost_status",
    "toString(price_status) AS price_status",
    "cost_reason",
    "price_id",
    "price_book",
    "toUnixTimestamp64Nano(time) AS time_ns",
    "toUnixTimestamp64Nano(append_time) AS append_ns",
)
# A step that is billed has the status of its price; these have the one that RUNS gave them.
_UNBILLED = ("rollup", "duplicate")

Row = dict[str, Any]


@dataclass
class Difference:
    """Sums of steps that would cost otherwise; USD."""

    steps: int = 0
    old_usd: Decimal = Decimal(0)
    new_usd: Decimal = Decimal(0)
    priced: int = 0  # steps that had no cost and would have one
    unpriced: int = 0  # the other way round

    def add(self, old: Row, new: Row) -> None:
        self.steps += 1
        self.old_usd += old["cost_usd"] or 0
        self.new_usd += new["cost_usd"] or 0
        self.priced += old["cost_usd"] is None and new["cost_usd"] is not None
        self.unpriced += old["cost_usd"] is not None and new["cost_usd"] is None


@dataclass
class Plan:
    """What would change.

    Attributes:
        seen: steps with usage in the range.
        changes: pairs of the row that is stored and what would take the place of its costs.
        by: differences by agent and model.
    """

    seen: int = 0
    changes: list[tuple[Row, Row]] = field(default_factory=list)
    by: dict[tuple[str, str], Difference] = field(default_factory=dict)

    def total(self) -> Difference:
        """All together."""
        whole = Difference()
        for old, new in self.changes:
            whole.add(old, new)
        return whole


def make_plan(client: "Client", namespace: str, since_s: int, until_s: int, book: PriceBook) -> Plan:
    """Price the steps of a range again.

    Args:
        client: of ClickHouse.
        namespace: of the steps.
        since_s, until_s: range of their time, Unix seconds, the end not included.
        book: new prices.
    """
    plan = Plan()
    for rows in _read(client, namespace, since_s, until_s):
        plan.seen += len(rows)
        for old, new in zip(rows, _priced(rows, book), strict=True):
            if any(old[name] != new[name] for name in new if name != "price_book"):
                plan.changes.append((old, new))
                key = (old["agent_name"], old["model"])
                plan.by.setdefault(key, Difference()).add(old, new)
    return plan


def _read(client: "Client", namespace: str, since_s: int, until_s: int) -> Iterator[list[Row]]:
    """Rows with usage, hour by hour: the key has the hour, and an hour's rows fit in memory."""
    hours = client.query(
        "SELECT DISTINCT toUnixTimestamp(toStartOfHour(time)) AS hour FROM steps WHERE namespace = "
        "{namespace:String} AND time >= toDateTime({since:Int64}) AND time < toDateTime({until:Int64}) "
        "ORDER BY hour",
        {"namespace": namespace, "since": since_s, "until": until_s},
    ).result_rows
    for (hour,) in hours:
        given = {"namespace": namespace, "since": max(hour, since_s), "until": min(hour + HOUR_S, until_s)}
        found = client.query(
            f"SELECT {', '.join(_READ)} FROM agent_steps WHERE namespace = {{namespace:String}} "
            "AND time >= toDateTime({since:Int64}) AND time < toDateTime({until:Int64}) "
            "AND cost_status != 'none' AND state = 'ended' ORDER BY run_id, event_id",
            given,
        )
        rows = [dict(row) for row in found.named_results()]
        for first in range(0, len(rows), CHUNK):
            yield rows[first : first + CHUNK]


def _priced(rows: list[Row], book: PriceBook) -> list[Row]:
    """What each row's costs would be, under the names that the table has for them."""
    columns = price(_usage(rows), book)
    names = {status.value: status.name.lower() for status in CostStatus}
    found: list[Row] = []
    for place, old in enumerate(rows):
        new: Row = {name: _decimal(columns[_pico(name)][place]) for name in _MONEY}
        new["price_status"] = names[columns["price_status"][place].as_py()]
        unbilled = old["cost_status"] in _UNBILLED
        new["cost_status"] = old["cost_status"] if unbilled else new["price_status"]
        if unbilled:
            new |= {name: None for name in _MONEY if name != "usage_cost_usd"}
        for name in ("cost_reason", "price_id", "price_book"):
            new[name] = columns[name][place].as_py() or ""
        found.append(new)
    return found


def _usage(rows: list[Row]) -> Usage:
    tokens: dict[str, Any] = {
        name: np.array([row[column] or 0 for row in rows], np.int64) for name, column in _TOKENS.items()
    }
    labels: dict[str, Any] = {name: [row[name] or None for row in rows] for name in _LABELS}
    return Usage(
        kind=[row["kind"] for row in rows],
        # As INGEST has it: a step whose time cannot be right is priced as of its arrival.
        time_ns=np.array([row["time_ns"] or row["append_ns"] for row in rows], np.int64),
        response_cached=[row["response_cached"] for row in rows],
        reported_pico_usd=[_whole(row["reported_cost_usd"]) for row in rows],
        has=np.ones(len(rows), np.bool_),
        **tokens,
        **labels,
    )


def _pico(name: str) -> str:
    return name.removesuffix("_usd") + "_pico_usd"


def _decimal(value: pa.Scalar) -> Decimal | None:
    pico_usd = value.as_py()
    return None if pico_usd is None else Decimal(pico_usd) / PICO_PER_USD


def _whole(usd: Decimal | None) -> int | None:
    return None if usd is None else int(usd * PICO_PER_USD)
