"""What do these steps cost? Applies a price book to columns of usage, in whole pico-USD.

Input includes what was read from and written to the cache; where it is smaller than these, the emitter
counts them apart, and input is taken as uncached. Usage of agents, runs and chains repeats that of their
calls: it is priced like any other, with status ROLLUP, and RUNS decides whether it is billed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.columns import CostStatus
from streams.pricing.book import QUARTER_NS, PriceBook
from streams.pricing.rates import UNITS, Rate, Tiers

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BILLABLE_KINDS = frozenset({"llm", "embedding", "retrieval"})
# Unit -> the column that its cost is in.
PARTS = {
    "input": "input",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "cache_write_1h": "cache_write",
    "input_audio": "audio",
    "output": "output",
    "output_reasoning": "output",
    "output_audio": "audio",
    "requests": "requests",
}
COLUMNS: tuple[str, ...] = tuple(dict.fromkeys(PARTS.values()))
RESPONSE_CACHE = "response_cache_hit"
NO_MODEL, NO_PRICE = "no_model", "no_price"


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
    reasoning_tokens: Ints
    service_tier: Sequence[str | None]
    server_address: Sequence[str | None]
    response_cached: Sequence[bool | None]
    reported_pico_usd: Sequence[int | None]
    has: Flags  # the step carries usage of any kind


# The model that answered, the one asked for, the provider, the tier of service, the address, and the quarter.
_Call: TypeAlias = tuple[str | None, str | None, str | None, str | None, str | None, int]


class Found:
    """The rates of a batch.

    Attributes:
        of: for each row the number of its rate, -1 where there is none.
        rates: different ones; `reasons` says of each what was assumed.
        why: for rows without a rate, the reason.
    """

    def __init__(self, usage: Usage, book: PriceBook) -> None:
        self.of: Ints = np.full(len(usage.kind), -1, np.int64)
        self.rates: list[Rate] = []
        self.reasons: list[str | None] = []
        self.why: dict[int, str] = {}
        # A block has few of these; looking one up twice would dominate pricing.
        known: dict[_Call, int] = {}
        rows = np.flatnonzero(usage.has)
        calls = [
            *zip(
                usage.response_model,
                usage.request_model,
                usage.provider_name,
                usage.service_tier,
                usage.server_address,
                (usage.time_ns // QUARTER_NS).tolist(),
                strict=True,
            )
        ]
        numbers = []
        for row in rows.tolist():
            call = calls[row]
            number = known.get(call)
            if number is None:
                number = known[call] = self._find(book, call)
            numbers.append(number)
            if number < 0:
                self.why[row] = NO_PRICE if call[0] or call[1] else NO_MODEL
        self.of[rows] = numbers

    def _find(self, book: PriceBook, call: _Call) -> int:
        """The place of the rate for the model that answered, else for the one asked for; -1 for none."""
        answered, asked, provider, tier, address, quarter = call
        for model in (answered, asked):
            rate = book.find(provider, model, quarter * QUARTER_NS, tier, address) if model else None
            if rate is not None:
                self.rates.append(rate)
                by_asked = answered is not None and model is not answered
                self.reasons.append(rate.reason or ("price_of_request_model" if by_asked else None))
                return len(self.rates) - 1
        return -1


def price(usage: Usage, book: PriceBook) -> dict[str, pa.Array]:
    """Cost columns of a batch: total, parts, status, reason, price id, book version.

    Returns:
        Arrays named as in `schemas.columns`; a cost is null where there is no price or nothing to bill.
    """
    length = len(usage.kind)
    found = Found(usage, book)
    rows = np.flatnonzero(found.of >= 0)
    parts = {name: np.zeros(length, np.int64) for name in COLUMNS}
    missing = np.zeros(length, np.bool_)
    if len(rows):
        _cost(usage, found, rows, parts, missing)
    total = np.sum([parts[name] for name in COLUMNS], axis=0, dtype=np.int64)
    status = _status(usage, found, missing)
    hit = np.array(usage.response_cached, np.bool_) & usage.has
    reported = pa.array(usage.reported_pico_usd, pa.int64())
    says = np.asarray(reported.is_valid().to_numpy(zero_copy_only=False), np.bool_)
    by_report = (status == CostStatus.UNPRICED) & says & ~hit
    status[by_report] = CostStatus.REPORTED
    told = np.asarray(reported.fill_null(0).to_numpy(), np.int64)
    absent = found.of < 0
    would_be = pa.array(np.where(by_report, told, total), mask=absent & ~by_report)
    status[hit] = CostStatus.FREE
    charged = np.where(by_report, told, np.where(hit, 0, total))
    billable = np.array([kind in BILLABLE_KINDS for kind in usage.kind], np.bool_)
    ids = pa.array([rate.price_id for rate in found.rates], pa.string())
    return {
        "cost_pico_usd": pa.array(charged, mask=absent & ~by_report & ~hit),
        **{
            f"cost_{name}_pico_usd": pa.array(np.where(hit, 0, values), mask=absent & ~hit)
            for name, values in parts.items()
        },
        "usage_cost_pico_usd": would_be,
        "reported_cost_pico_usd": reported,
        "cost_status": pa.array(
            np.where(billable | (status == CostStatus.NONE), status, CostStatus.ROLLUP).astype(np.int8)
        ),
        "price_status": pa.array(status),
        "cost_reason": _reasons(usage, found, missing, hit),
        "price_id": ids.take(pa.array(np.where(absent, 0, found.of), pa.int64(), mask=absent)),
        # Of every step: were it only there beside priced ones, a row would depend on how frames are cut.
        "price_book": pa.repeat(book.version, length),
    }


def _cost(usage: Usage, found: Found, rows: Ints, parts: dict[str, Ints], missing: Flags) -> None:
    """Add what each unit costs to its part; note units that were used and have no price."""
    which = found.of[rows]
    for unit, count in _counts(usage, rows, found.rates, which).items():
        if not count.any():
            continue
        tiers = [rate.units.get(unit, ()) for rate in found.rates]
        unit_pico_usd, known = _unit_prices(tiers, which, usage.input_tokens[rows])
        parts[PARTS[unit]][rows] += count * unit_pico_usd
        # A fee for each request is part of a price only where there is one.
        if unit != "requests":
            missing[rows] |= ~known & (count > 0)


def _counts(usage: Usage, rows: Ints, rates: list[Rate], which: Ints) -> dict[str, Ints]:
    """How many of each unit are billed in each row; every token is in one unit."""
    given, read, write = (
        usage.input_tokens[rows],
        usage.cache_read_tokens[rows],
        usage.cache_write_tokens[rows],
    )
    uncached = np.where(given >= read + write, given - read - write, given)
    hour = np.minimum(usage.cache_write_1h_tokens[rows], write)
    heard = np.minimum(usage.input_audio_tokens[rows], uncached)
    spoken = np.minimum(usage.output_audio_tokens[rows], usage.output_tokens[rows])
    written = usage.output_tokens[rows] - spoken
    # Reasoning costs what output costs, but for a few models.
    apart = np.array(["output_reasoning" in rate.units for rate in rates], np.bool_)[which]
    thought = np.where(apart, np.minimum(usage.reasoning_tokens[rows], written), 0)
    return {
        "input": uncached - heard,
        "cache_read": read,
        "cache_write": write - hour,
        "cache_write_1h": hour,
        "input_audio": heard,
        "output": written - thought,
        "output_reasoning": thought,
        "output_audio": spoken,
        "requests": np.ones(len(rows), np.int64),
    }


def _unit_prices(tiers: list[Tiers], which: Ints, input_tokens: Ints) -> tuple[Ints, Flags]:
    """Price of one unit for each row, by the tier that the call's whole input reaches."""
    base = np.array([t[0].pico_usd if t else 0 for t in tiers], np.int64)
    known = np.array([bool(t) for t in tiers], np.bool_)
    unit = base[which]
    for number, steps in enumerate(tiers):
        for tier in steps[1:]:
            unit[(which == number) & (input_tokens > tier.above_tokens)] = tier.pico_usd
    return unit, known[which]


def _status(usage: Usage, found: Found, missing: Flags) -> npt.NDArray[np.int8]:
    """The status of each row by its price alone."""
    status = np.where(usage.has, CostStatus.UNPRICED, CostStatus.NONE).astype(np.int8)
    rows = np.flatnonzero(found.of >= 0)
    if not len(rows):
        return status
    which = found.of[rows]
    partial = np.array([rate.partial for rate in found.rates], np.bool_)[which] | missing[rows]
    free = np.array([rate.is_free for rate in found.rates], np.bool_)[which]
    status[rows] = np.where(partial, CostStatus.PARTIAL, np.where(free, CostStatus.FREE, CostStatus.PRICED))
    return status


def _reasons(usage: Usage, found: Found, missing: Flags, hit: Flags) -> pa.Array:
    """Why a cost is not simply that of the price, for each row; null where it is."""
    reasons: list[str | None] = [None] * len(usage.kind)
    if any(found.reasons):
        for row, number in enumerate(found.of.tolist()):
            reasons[row] = found.reasons[number] if number >= 0 else None
    for row, why in found.why.items():
        reasons[row] = why
    for row in np.flatnonzero(missing).tolist():
        used = _counts(usage, np.array([row]), found.rates, found.of[[row]])
        units = found.rates[int(found.of[row])].units
        names = [unit for unit in UNITS if used[unit][0] and unit not in units and unit != "requests"]
        reasons[row] = "no_price_for_" + "_and_".join(names)
    for row in np.flatnonzero(hit).tolist():
        reasons[row] = RESPONSE_CACHE
    return pa.array(reasons, pa.string())
