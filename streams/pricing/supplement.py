"""Which published rules does the base not have? Multiples of other prices, each with its source, as data."""

from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from streams.pricing.rates import Rate, Tier, rounded

FILE = Path(__file__).with_name("supplement.json")


class Factor(msgspec.Struct, forbid_unknown_fields=True):
    """In this tier of service all prices are so many times the standard ones."""

    provider: str
    model: str
    service_tier: str
    factor: Decimal
    source: str


class UnitRule(msgspec.Struct, forbid_unknown_fields=True):
    """The price of a unit is so many times that of another, where it has none."""

    model: str
    unit: str
    of: str
    factor: Decimal
    source: str


class Supplement(msgspec.Struct, forbid_unknown_fields=True):
    """The file.

    Attributes:
        as_of: day on which the sources were read.
    """

    as_of: str
    factors: list[Factor] = []
    units: list[UnitRule] = []

    def factor(self, provider: str, model: str, service_tier: str) -> Decimal | None:
        """What multiplies the standard prices in a tier of service, or None where nothing is published."""
        for rule in self.factors:
            if (
                rule.provider == provider
                and rule.service_tier == service_tier
                and fnmatchcase(model, rule.model)
            ):
                return rule.factor
        return None

    def complete(self, model: str, rate: Rate) -> Rate:
        """The rate with the prices of units that follow from others."""
        units = dict(rate.units)
        for rule in self.units:
            if rule.unit not in units and rule.of in units and fnmatchcase(model, rule.model):
                units[rule.unit] = tuple(
                    Tier(tier.above_tokens, rounded(tier.pico_usd * rule.factor)) for tier in units[rule.of]
                )
        return rate._replace(units=units)


def load() -> Supplement:
    return msgspec.json.decode(FILE.read_bytes(), type=Supplement)
