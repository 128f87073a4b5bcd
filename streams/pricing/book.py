"""Which price belongs to a provider, a model and a moment?

Prices come from genai-prices, whose data is dated and tiered. A price is found once for each (provider,
model, quarter of an hour) - some providers price by time of day - and kept: genai-prices' own `calc_price`
takes 100 us a call.
"""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

import genai_prices
from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ModelPrice, TieredPrices

PICO_PER_USD = 1_000_000_000_000
REMEMBERED = 50_000
QUARTER_NS = 15 * 60 * 1_000_000_000

# OpenTelemetry's provider names -> genai-prices' ids, where they differ.
_PROVIDER_IDS = {
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
}


class Tier(NamedTuple):
    """Price of one kind of token once a call's input exceeds `above_tokens`."""

    above_tokens: int
    pico_usd: int  # for one token


class Rate(NamedTuple):
    """Prices of one model at one time; each is a list of tiers in rising order, or empty when unknown."""

    price_id: str
    input: tuple[Tier, ...]
    output: tuple[Tier, ...]
    cache_read: tuple[Tier, ...]
    cache_write: tuple[Tier, ...]


class PriceBook:
    """Resolves prices, and remembers what it resolved.

    Attributes:
        version: name and version of the data; stored with every cost.
    """

    def __init__(self, snapshot: DataSnapshot | None = None) -> None:
        self._snapshot = snapshot or get_snapshot()
        self._rates: dict[tuple[str | None, str, int], Rate | None] = {}
        self.version = f"genai-prices/{genai_prices.__version__}"

    def find(self, provider: str | None, model: str, time_ns: int) -> Rate | None:
        """The rate of `model` at `time_ns` (Unix nanoseconds), or None when the book does not know the model.

        A provider that does not list the model (or is no provider: a framework, a gateway) does not hide it:
        the model's name alone is tried next, then the name without a prefix (`google/gemini-3-pro-preview`).
        """
        quarter = time_ns // QUARTER_NS
        key = (provider, model, quarter)
        if key not in self._rates:
            if len(self._rates) >= REMEMBERED:
                self._rates.clear()  # an emitter may invent a model's name for each call
            self._rates[key] = self._resolve(provider, model, quarter * 900)
        return self._rates[key]

    def _resolve(self, provider: str | None, model: str, time_s: int) -> Rate | None:
        wanted = _PROVIDER_IDS.get(provider, provider) if provider else None
        bare = model.rsplit("/", 1)[-1]
        for provider_id, name in dict.fromkeys(
            ((wanted, model), (None, model), (wanted, bare), (None, bare))
        ):
            try:
                found, info = self._snapshot.find_provider_model(name, None, provider_id, None)
            except LookupError:
                continue
            prices = info.get_prices(datetime.fromtimestamp(time_s, UTC))
            return _rate(f"{found.id}/{info.id}", prices)
        return None


def _rate(price_id: str, prices: ModelPrice) -> Rate:
    base = _tiers(prices.input_mtok)
    return Rate(
        price_id=price_id,
        input=base,
        output=_tiers(prices.output_mtok),
        # Without a price of their own, cached tokens cost what input costs (as genai-prices has it).
        cache_read=_tiers(prices.cache_read_mtok) or base,
        cache_write=_tiers(prices.cache_write_mtok) or base,
    )


def _tiers(price: Decimal | TieredPrices | None) -> tuple[Tier, ...]:
    if price is None:
        return ()
    if isinstance(price, TieredPrices):
        return (Tier(0, _pico(price.base)), *(Tier(tier.start, _pico(tier.price)) for tier in price.tiers))
    return (Tier(0, _pico(price)),)


def _pico(usd_per_million: Decimal) -> int:
    """Pico-USD for one token: exact to six decimals of a price per million; some carry float noise beyond."""
    return int((usd_per_million * 1_000_000).to_integral_value(rounding=ROUND_HALF_EVEN))
