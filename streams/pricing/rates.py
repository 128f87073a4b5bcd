"""What is a price? Units of a call, each with tiers, in whole pico-USD. Pure."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

PICO_PER_USD = 1_000_000_000_000


class Tier(NamedTuple):
    """Price of one unit once a call's whole input exceeds `above_tokens`."""

    above_tokens: int
    pico_usd: int  # for one token, or one request


Tiers = tuple[Tier, ...]

# Unit -> the key of its price in genai-prices and in the user's file, and how many units that price is for.
UNITS: dict[str, tuple[str, int]] = {
    "input": ("input_mtok", 1_000_000),
    "cache_read": ("cache_read_mtok", 1_000_000),
    "cache_write": ("cache_write_mtok", 1_000_000),
    "cache_write_1h": ("cache_write_1h_mtok", 1_000_000),
    "input_audio": ("input_audio_mtok", 1_000_000),
    "output": ("output_mtok", 1_000_000),
    "output_reasoning": ("output_reasoning_mtok", 1_000_000),
    "output_audio": ("output_audio_mtok", 1_000_000),
    "requests": ("requests_kcount", 1_000),
}


class Rate(NamedTuple):
    """Prices of one model at one time.

    Attributes:
        price_id: names the price exactly: whose, of which model, since when, in which tier of service.
        units: unit (see `UNITS`) -> tiers in rising order; a unit that is not there has no price.
        reason: why this price stands in for the right one, or None.
        partial: it is not known to be the price of this call.
    """

    price_id: str
    units: dict[str, Tiers]
    reason: str | None = None
    partial: bool = False

    @property
    def is_free(self) -> bool:
        """All that is priced costs nothing."""
        return bool(self.units) and all(tier.pico_usd == 0 for tiers in self.units.values() for tier in tiers)

    def scaled(self, factor: Decimal) -> "Rate":
        """The same with every price multiplied."""
        units = {
            unit: tuple(Tier(tier.above_tokens, rounded(tier.pico_usd * factor)) for tier in tiers)
            for unit, tiers in self.units.items()
        }
        return self._replace(units=units)


def pico(usd: Decimal, for_units: int) -> int:
    """Pico-USD for one unit: exact to six decimals of a price per million; some carry float noise beyond."""
    return rounded(usd * (PICO_PER_USD // for_units))


def rounded(pico_usd: Decimal) -> int:
    return int(pico_usd.to_integral_value(rounding=ROUND_HALF_EVEN))
