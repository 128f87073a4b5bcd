"""Columns of usage for one call or many."""

from typing import Any

import numpy as np

from schemas.columns import CostStatus
from streams.pricing.apply import Usage, price
from streams.pricing.book import PriceBook

NUMBERS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "reasoning_tokens",
)
LABELS = ("provider_name", "request_model", "response_model", "service_tier", "server_address")
NOW_NS = 1_750_000_000 * 10**9


def make_usage(*calls: dict[str, Any]) -> Usage:
    """Calls as `Usage`; what a call does not say is nothing."""
    columns: dict[str, Any] = {
        name: np.array([call.get(name) or 0 for call in calls], np.int64) for name in NUMBERS
    }
    columns |= {name: [call.get(name) for call in calls] for name in LABELS}
    return Usage(
        kind=[call.get("kind", "llm") for call in calls],
        time_ns=np.array([call.get("time_ns", NOW_NS) for call in calls], np.int64),
        response_cached=[call.get("response_cached") for call in calls],
        reported_pico_usd=[call.get("reported_pico_usd") for call in calls],
        has=np.array(
            [any(call.get(name) is not None for name in (*NUMBERS, "reported_pico_usd")) for call in calls]
        ),
        **columns,
    )


def cost(book: PriceBook, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    """The cost columns of each call; statuses by name."""
    columns = {name: array.to_pylist() for name, array in price(make_usage(*calls), book).items()}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for row in rows:
        row["cost_status"] = CostStatus(row["cost_status"]).name
        row["price_status"] = CostStatus(row["price_status"]).name
    return rows
