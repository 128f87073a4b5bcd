"""What does the user's price file say? Reads and checks it, and applies it over other prices. Pure.

TOML, because people write it by hand: dates are dates, and numbers are read as decimals, so 0.1 is 0.1. What
it may hold stands in docs/prices.md.
"""

import hashlib
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from streams.pricing.rates import UNITS, Rate, Tier, Tiers, pico

Name = Annotated[str, Meta(min_length=1, max_length=256)]
KEYS = {key: (unit, per) for unit, (key, per) in UNITS.items()}


class BadPrices(ValueError):
    """A price file that cannot be used; the message names the entry and the reason."""


class _Tier(msgspec.Struct, forbid_unknown_fields=True):
    above: Annotated[int, Meta(ge=0)]
    price: Decimal


Price = Decimal | list[_Tier]


class _Scope(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which calls an entry is about; `from_` is a day that counts, `until` one that does not any more."""

    provider: Name = "*"
    model: Name = "*"
    service_tier: Name | None = None
    from_: date | None = msgspec.field(default=None, name="from")
    until: date | None = None

    def holds(self, provider: str | None, names: list[str], day: date, service_tier: str) -> bool:
        return (
            (self.from_ is None or day >= self.from_)
            and (self.until is None or day < self.until)
            and (self.service_tier is None or self.service_tier == service_tier)
            and fnmatchcase((provider or "").lower(), self.provider.lower())
            and any(fnmatchcase(name, self.model.lower()) for name in names)
        )


class _Entry(_Scope, forbid_unknown_fields=True, kw_only=True):
    free: bool = False
    source: str | None = None
    currency: Name | None = None
    input_mtok: Price | None = None
    cache_read_mtok: Price | None = None
    cache_write_mtok: Price | None = None
    cache_write_1h_mtok: Price | None = None
    input_audio_mtok: Price | None = None
    output_mtok: Price | None = None
    output_reasoning_mtok: Price | None = None
    output_audio_mtok: Price | None = None
    requests_kcount: Price | None = None


class _Discount(_Scope, forbid_unknown_fields=True, kw_only=True):
    factor: Decimal


class _File(msgspec.Struct, forbid_unknown_fields=True):
    name: Name
    currencies: dict[Name, dict[str, Decimal]] = {}
    prices: list[_Entry] = []
    discounts: list[_Discount] = []


class OwnPrices:
    """A price file that was read.

    Attributes:
        version: its name and a hash of its text.
        entries: how many prices and discounts.
    """

    def __init__(self, text: str) -> None:
        """Read and check.

        Raises:
            BadPrices: what is wrong, and in which entry.
        """
        self._file = _parse(text)
        digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
        self.version = f"{self._file.name}:{digest}"
        self.entries = len(self._file.prices) + len(self._file.discounts)
        self._usd: dict[str, list[tuple[date, Decimal]]] = {
            currency: sorted((date.fromisoformat(day), rate) for day, rate in rates.items())
            for currency, rates in self._file.currencies.items()
        }
        self._check()

    def apply(
        self, base: Rate | None, provider: str | None, names: list[str], time_s: int, service_tier: str
    ) -> Rate | None:
        """The rate with what the file says of it: the last price that holds, then all discounts that do.

        Args:
            base: the price without the file, or None.
            provider: id of who bills, or None.
            names: of the model, lower case.
            time_s: Unix seconds.
            service_tier: as billed, lower case.
        """
        day = datetime.fromtimestamp(time_s, UTC).date()
        rate = base
        for number, entry in reversed(list(enumerate(self._file.prices, 1))):
            if entry.holds(provider, names, day, service_tier):
                rate = self._entered(base, entry, number, day)
                break
        for discount in self._file.discounts:
            if rate is not None and discount.holds(provider, names, day, service_tier):
                rate = rate.scaled(discount.factor)
                rate = rate._replace(price_id=f"{rate.price_id}*{discount.factor}")
        return rate

    def _entered(self, base: Rate | None, entry: _Entry, number: int, day: date) -> Rate:
        price_id = f"{self._file.name}/{number}"
        if entry.free:
            return Rate(price_id, {unit: (Tier(0, 0),) for unit in UNITS}, reason="price_is_zero")
        usd = self._rate_of(entry.currency, day)
        given = {
            unit: _tiers(price, per, usd)
            for key, (unit, per) in KEYS.items()
            if (price := getattr(entry, key)) is not None
        }
        inherited = dict(base.units) if base is not None else {}
        if "input" in given:
            # Prices of the base that hang on another input price say nothing beside this one.
            for unit in ("cache_read", "cache_write", "cache_write_1h"):
                inherited.pop(unit, None)
            given = {"cache_read": given["input"], "cache_write": given["input"]} | given
        # A price for a tier of service is that of the tier: what stood in for it no longer does.
        unknown = base is not None and base.partial and entry.service_tier is None
        return Rate(price_id, inherited | given, base.reason if unknown and base else None, unknown)

    def _rate_of(self, currency: str | None, day: date) -> Decimal:
        if currency is None or currency == "USD":
            return Decimal(1)
        before = [rate for since, rate in self._usd[currency] if since <= day]
        return before[-1] if before else self._usd[currency][0][1]

    def _check(self) -> None:
        for number, entry in enumerate(self._file.prices, 1):
            where = f"prices, entry {number} ({entry.provider}/{entry.model})"
            _check_scope(entry, where)
            if entry.currency not in (None, "USD", *self._usd):
                raise BadPrices(
                    f"{where}: there is no rate for {entry.currency} under [currencies.{entry.currency}]"
                )
            said = [key for key in KEYS if getattr(entry, key) is not None]
            if entry.free == bool(said):
                raise BadPrices(f"{where}: say prices, or `free = true`, not both or neither")
            for key in said:
                _check_price(getattr(entry, key), f"{where}: {key}")
        for number, discount in enumerate(self._file.discounts, 1):
            where = f"discounts, entry {number} ({discount.provider}/{discount.model})"
            _check_scope(discount, where)
            if not 0 <= discount.factor <= 10:
                raise BadPrices(
                    f"{where}: the factor {discount.factor} is not between 0 and 10 (0.85: 15 % less)"
                )
        for currency, rates in self._file.currencies.items():
            if not rates or any(not 0 < rate < 1_000_000 for rate in rates.values()):
                raise BadPrices(
                    f"currencies, {currency}: needs rates above 0, USD for one {currency}, by day"
                )


def _parse(text: str) -> _File:
    try:
        raw: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadPrices(f"This is no TOML: {error}") from error
    try:
        found = msgspec.convert(raw, _File, strict=False, dec_hook=_decimal)
        for rates in found.currencies.values():
            for day in rates:
                date.fromisoformat(day)
    except (msgspec.ValidationError, ValueError, InvalidOperation) as error:
        raise BadPrices(str(error)) from error
    return found


def _decimal(kind: type, value: Any) -> Any:
    if kind is Decimal and isinstance(value, (Decimal, int, str)) and not isinstance(value, bool):
        return Decimal(value)
    raise NotImplementedError(f"{value!r} is no {kind.__name__}")


def _check_scope(scope: _Scope, where: str) -> None:
    if scope.from_ is not None and scope.until is not None and scope.until <= scope.from_:
        raise BadPrices(f"{where}: until {scope.until} is not after from {scope.from_}")


def _check_price(price: Price, where: str) -> None:
    tiers = price if isinstance(price, list) else [_Tier(0, price)]
    if not tiers or tiers[0].above != 0:
        raise BadPrices(f"{where}: the first tier begins above 0 tokens")
    if any(a.above >= b.above for a, b in pairwise(tiers)):
        raise BadPrices(f"{where}: tiers must rise")
    for tier in tiers:
        if not tier.price.is_finite() or not 0 <= tier.price <= 1_000_000:
            raise BadPrices(f"{where}: {tier.price} is not between 0 and 1,000,000")


def _tiers(price: Price, per: int, usd: Decimal) -> Tiers:
    tiers = price if isinstance(price, list) else [_Tier(0, price)]
    return tuple(Tier(tier.above, pico(tier.price * usd, per)) for tier in tiers)
