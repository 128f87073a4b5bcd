"""What does `wakeline prices` print? Prices and how they were found, checks of a file, what has no price."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.table import Table

from streams.cli.prices_update import Changes, update
from streams.pricing.apply import NO_MODEL, NO_PRICE
from streams.pricing.book import Lookup, PriceBook
from streams.pricing.rates import PICO_PER_USD, UNITS, Tiers
from streams.pricing.shelf import load_book, read_own

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

EXIT_NOTHING = 1
_LISTED = 20
_ASSUMED = {
    None: "as the call names it",
    "name_normalised": "under a plainer name",
    "provider_by_model": "no provider was named: by the model's name alone",
    "provider_does_not_list_model": "the provider does not list it: elsewhere, by the model's name",
    "no_price_for_service_tier": "there is no price for this tier of service: the standard one stands in",
    "price_is_zero": "its price is zero",
}

_MENDS = {
    NO_PRICE: "a price of your own (docs/prices.md)",
    NO_MODEL: "let the emitter name the model",
    "no_price_for_service_tier": "a price of your own with this service_tier",
}


@dataclass(frozen=True)
class Asked:
    """A price that is asked for; `at` is the moment."""

    model: str
    provider: str | None
    at: datetime
    service_tier: str | None
    server_address: str | None


def show(folder: Path | None, asked: Asked, out: TextIO, *, as_json: bool) -> int:
    """Print a price; 1 when there is none, with the names most like it."""
    book = load_book(folder)
    time_ns = int(asked.at.timestamp()) * 1_000_000_000
    found = book.look_up(asked.provider, asked.model, time_ns, asked.service_tier, asked.server_address)
    if as_json:
        out.write(json.dumps(_described(book, asked, found), indent=1) + "\n")
    elif found is None:
        out.write(f"{asked.model} has no price at {asked.at:%Y-%m-%d}.\n")
        for name in book.near(asked.model):
            out.write(f"  known: {name}\n")
        out.write("A price of your own: docs/prices.md. Newer prices: wakeline prices update.\n")
    else:
        _print_rate(book, asked, found, out)
    return 0 if found else EXIT_NOTHING


def check(folder: Path | None, file: Path, out: TextIO) -> int:
    """Say what a user's file holds; a bad one raises."""
    own = read_own(file)
    book = load_book(folder, own=file)
    out.write(
        f"{file}: {own.entries} prices and discounts, {own.version}; a cost would name {book.version}\n"
    )
    return 0


def unpriced(client: "Client", namespace: str, folder: Path | None, out: TextIO, *, as_json: bool) -> int:
    """Print the models whose usage has no price, those with most tokens first."""
    rows = client.query(
        "SELECT provider_name, model, any(cost_reason) AS reason, count() AS steps, "
        "sum(ifNull(input_tokens, 0) + ifNull(output_tokens, 0)) AS tokens, "
        "toString(min(time)) AS first, toString(max(time)) AS last "
        "FROM agent_steps WHERE namespace = {namespace:String} AND cost_status IN ('unpriced', 'partial') "
        "GROUP BY provider_name, model ORDER BY tokens DESC",
        parameters={"namespace": namespace},
    ).named_results()
    found = [dict(row) for row in rows]
    book = load_book(folder)
    for row in found:
        rate = book.find(row["provider_name"] or None, row["model"], _now_ns()) if row["model"] else None
        row["priced_now"] = row["reason"] == NO_PRICE and rate is not None
        row["like"] = book.near(row["model"]) if row["reason"] == NO_PRICE and rate is None else []
    if as_json:
        out.writelines(json.dumps(row) + "\n" for row in found)
    elif not found:
        out.write("All usage has a price.\n")
    else:
        _print_unpriced(found, out)
    return 0


def bring(folder: Path, source: str, out: TextIO) -> int:
    """Update the base and say what changed."""
    changes = update(folder, source)
    out.write(f"{folder}: {_summary(changes)}.\n")
    out.write("Roles take it within ten seconds; for the costs of before: wakeline reprice.\n")
    for title, names in (("new", changes.added), ("repriced", changes.repriced), ("gone", changes.removed)):
        for name in names[:_LISTED]:
            out.write(f"  {title}: {name}\n")
        if len(names) > _LISTED:
            out.write(f"  {title}: and {len(names) - _LISTED} more\n")
    return 0


def _summary(changes: Changes) -> str:
    return f"{len(changes.added)} models new, {len(changes.repriced)} repriced, {len(changes.removed)} gone"


def _described(book: PriceBook, asked: Asked, found: Lookup | None) -> dict[str, Any]:
    about: dict[str, Any] = {"model": asked.model, "at": asked.at.isoformat(), "price_book": book.version}
    if found is None:
        return about | {"price_id": None, "like": book.near(asked.model)}
    prices = {
        UNITS[unit][0]: [
            {"above_tokens": tier.above_tokens, "usd": str(_usd(tier.pico_usd, unit))} for tier in tiers
        ]
        for unit, tiers in found.rate.units.items()
    }
    rate = found.rate
    return about | {
        "price_id": rate.price_id,
        "provider": found.provider,
        "name": found.name,
        "reason": rate.reason,
        "partial": rate.partial,
        "prices": prices,
    }


def _print_rate(book: PriceBook, asked: Asked, found: Lookup, out: TextIO) -> None:
    rate = found.rate
    out.write(f"{asked.model} at {asked.at:%Y-%m-%d}: {rate.price_id}\n")
    out.write(f"found as {found.name}: {_ASSUMED.get(rate.reason, rate.reason)}; book {book.version}\n")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, side in (
        ("unit", "left"),
        ("USD", "right"),
        ("for", "left"),
        ("from a whole input of", "right"),
    ):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    for unit in (unit for unit in UNITS if unit in rate.units):
        tiers = rate.units[unit]
        for name, usd, per, above in _lines(unit, tiers):
            table.add_row(name, usd, per, above)
    Console(file=out, width=None if out.isatty() else 100, no_color=not out.isatty()).print(table)


def _lines(unit: str, tiers: Tiers) -> list[tuple[str, str, str, str]]:
    per = "1,000 requests" if unit == "requests" else "1,000,000 tokens"
    return [
        (
            unit if number == 0 else "",
            f"{_usd(tier.pico_usd, unit):f}",
            per if number == 0 else "",
            f"more than {tier.above_tokens:,}" if tier.above_tokens else "",
        )
        for number, tier in enumerate(tiers)
    ]


def _usd(pico_usd: int, unit: str) -> Decimal:
    """USD for as many units as prices are told for."""
    usd = Decimal(pico_usd * UNITS[unit][1]) / PICO_PER_USD
    return usd.quantize(Decimal(1)) if usd == usd.to_integral_value() else usd.normalize()


def _print_unpriced(found: list[dict[str, Any]], out: TextIO) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("provider", "model", "steps", "tokens", "last", "why", "what to do"):
        table.add_column(name, overflow="fold", justify="right" if name in ("steps", "tokens") else "left")
    for row in found:
        do = _MENDS.get(row["reason"], "a price of your own for that unit (docs/prices.md)")
        if row["priced_now"]:
            do = "wakeline reprice: it has a price now"
        elif row["like"]:
            do += f"; is it {row['like'][0]}?"
        last = str(row["last"])[:19]
        table.add_row(
            row["provider_name"],
            row["model"],
            f"{row['steps']:,}",
            f"{row['tokens']:,}",
            last,
            row["reason"],
            do,
        )
    Console(file=out, width=None if out.isatty() else 160, no_color=not out.isatty()).print(table)


def _now_ns() -> int:
    return int(datetime.now(UTC).timestamp()) * 1_000_000_000
