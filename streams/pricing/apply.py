"""What do these steps cost? Applies a price book to columns of usage, in whole pico-USD.

Input includes what was read from and written to the cache; where it is smaller than these, the emitter
counts them apart, and input is taken as uncached. Usage of agents, runs and chains repeats that of their
calls: it is priced like any other, with status ROLLUP, and RUNS decides whether it is billed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.columns import CostStatus
from streams.pricing.book import QUARTER_NS, PriceBook, Rate, Tier

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BILLABLE_KINDS = frozenset({"llm", "embedding", "retrieval"})


@dataclass(frozen=True)
class Usage:
    """Columns of one batch, all of the same length; absent tokens are 0 in the arrays and false in `has`."""

    kind: Sequence[str]
    provider_name: Sequence[str | None]
    request_model: Sequence[str | None]
    response_model: Sequence[str | None]
    time_ns: Ints
    input_tokens: Ints
    output_tokens: Ints
    cache_read_tokens: Ints
    cache_write_tokens: Ints
    cache_write_1h_tokens: Ints
    input_audio_tokens: Ints
    output_audio_tokens: Ints
    service_tier: Sequence[str | None]
    server_address: Sequence[str | None]
    response_cached: Sequence[bool | None]
    reported_pico_usd: Sequence[int | None]
    has: Flags  # the step carries usage of any kind


def price(usage: Usage, book: PriceBook) -> dict[str, pa.Array]:
    """Cost columns of a batch: total, four parts, status, price id, book version.

    Returns:
        Arrays named as in `schemas.columns`; a cost is null where there is no price or nothing to bill.
    """
    length = len(usage.kind)
    status = np.zeros(length, np.int8)
    rate_of, rates = _resolve(usage, book, status)
    rows = np.flatnonzero(rate_of >= 0)
    parts = {name: np.zeros(length, np.int64) for name in ("input", "cache_read", "cache_write", "output")}
    missing = np.zeros(length, np.bool_)
    if len(rows):
        which = rate_of[rows]
        for name, tokens in _tokens_by_part(usage, rows).items():
            unit, known = _unit_prices(
                [getattr(rate, name) for rate in rates], which, usage.input_tokens[rows]
            )
            parts[name][rows] = tokens * unit
            missing[rows] |= ~known & (tokens > 0)
    total = parts["input"] + parts["cache_read"] + parts["cache_write"] + parts["output"]
    free = np.array([_is_free(rate) for rate in rates], np.bool_)
    status[rows] = np.where(missing[rows], CostStatus.PARTIAL, CostStatus.PRICED)
    if len(rows):
        status[rows[free[rate_of[rows]] & ~missing[rows]]] = CostStatus.FREE
    absent = rate_of < 0
    billable = np.array([kind in BILLABLE_KINDS for kind in usage.kind], np.bool_)
    nothing = pa.nulls(length, pa.int64())
    ids = pa.array([rate.price_id for rate in rates], pa.string())
    taken = pa.array(np.where(absent, 0, rate_of), pa.int64(), mask=absent)
    return {
        "cost_pico_usd": pa.array(total, mask=absent),
        **{f"cost_{name}_pico_usd": pa.array(values, mask=absent) for name, values in parts.items()},
        "cost_audio_pico_usd": nothing,
        "cost_requests_pico_usd": nothing,
        "usage_cost_pico_usd": pa.array(total, mask=absent),
        "reported_cost_pico_usd": pa.array(usage.reported_pico_usd, pa.int64()),
        "cost_status": pa.array(
            np.where(billable | (status == CostStatus.NONE), status, CostStatus.ROLLUP).astype(np.int8)
        ),
        "price_status": pa.array(status),
        "cost_reason": pa.nulls(length, pa.string()),
        "price_id": ids.take(taken),
        # Of every step: were it only there beside priced ones, a row would depend on how frames are cut.
        "price_book": pa.repeat(book.version, length),
    }


def _resolve(usage: Usage, book: PriceBook, status: npt.NDArray[np.int8]) -> tuple[Ints, list[Rate]]:
    """For each row the number of its rate, or -1; sets the status of the rows that have none."""
    rate_of = np.full(len(usage.kind), -1, np.int64)
    rates: list[Rate] = []
    # A block has few (provider, models, quarter of an hour); looking one up twice would dominate pricing.
    known: dict[tuple[str | None, str | None, str | None, int], int] = {}
    rows = np.flatnonzero(usage.has)
    for row, quarter in zip(rows.tolist(), (usage.time_ns[rows] // QUARTER_NS).tolist(), strict=True):
        key = (usage.provider_name[row], usage.response_model[row], usage.request_model[row], quarter)
        number = known.get(key)
        if number is None:
            number = known[key] = _find(book, key, rates)
        rate_of[row] = number
        if number < 0:
            status[row] = CostStatus.UNPRICED
    return rate_of, rates


def _find(book: PriceBook, key: tuple[str | None, str | None, str | None, int], rates: list[Rate]) -> int:
    """The place in `rates` of the rate for the model that answered, else the one asked for; -1 for none."""
    provider, response_model, request_model, quarter = key
    for model in (response_model, request_model):
        rate = book.find(provider, model, quarter * QUARTER_NS) if model else None
        if rate is not None:
            rates.append(rate)
            return len(rates) - 1
    return -1


def _tokens_by_part(usage: Usage, rows: Ints) -> dict[str, Ints]:
    given, read, write = (
        usage.input_tokens[rows],
        usage.cache_read_tokens[rows],
        usage.cache_write_tokens[rows],
    )
    uncached = np.where(given >= read + write, given - read - write, given)
    return {"input": uncached, "cache_read": read, "cache_write": write, "output": usage.output_tokens[rows]}


def _unit_prices(tiers: list[tuple[Tier, ...]], which: Ints, input_tokens: Ints) -> tuple[Ints, Flags]:
    """Price of one token for each row, by the tier that the call's whole input reaches."""
    base = np.array([t[0].pico_usd if t else 0 for t in tiers], np.int64)
    known = np.array([bool(t) for t in tiers], np.bool_)
    unit = base[which]
    for number, steps in enumerate(tiers):
        for tier in steps[1:]:
            unit[(which == number) & (input_tokens > tier.above_tokens)] = tier.pico_usd
    return unit, known[which]


def _is_free(rate: Rate) -> bool:
    tiers = (*rate.input, *rate.output, *rate.cache_read, *rate.cache_write)
    return bool(tiers) and all(tier.pico_usd == 0 for tier in tiers)
