"""What does genai-prices say? Its data as rates: dated, tiered, and by tier of service."""

from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches

from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, StartDateConstraint, TieredPrices

from streams.pricing.rates import UNITS, Rate, Tier, Tiers, pico
from streams.pricing.supplement import Supplement

# What emitters call the tier that all get who ask for none.
STANDARD = frozenset({"", "default", "auto", "standard", "standard_only", "on_demand", "on-demand"})
_CONTEXTS = {"batch": {"processing": "batch"}, "fast": {"service_tier": "fast", "speed": "fast"}}


class Base:
    """The prices of one snapshot of genai-prices."""

    def __init__(self, snapshot: DataSnapshot, supplement: Supplement) -> None:
        self._snapshot = snapshot
        self._supplement = supplement

    def find(self, provider: str | None, name: str) -> tuple[str, ModelInfo] | None:
        """The provider's id and the model that a name means there; without a provider, wherever it is."""
        try:
            found, model = self._snapshot.find_provider_model(name, None, provider, None)
        except LookupError:
            return None
        return found.id, model

    def near(self, name: str, most: int = 5) -> list[str]:
        """Models with a name like this one, the most alike first, as `provider/model`."""
        of: dict[str, str] = {}
        for provider in self._snapshot.providers:
            for model in provider.models:
                of.setdefault(model.id.rsplit("/", 1)[-1], f"{provider.id}/{model.id}")
        plain = name.lower().rsplit("/", 1)[-1]
        return [of[known] for known in get_close_matches(plain, of, most, 0.6)]

    def rate(self, provider: str, model: ModelInfo, time_s: int, service_tier: str) -> Rate:
        """Prices of a model at a time.

        Args:
            provider: its id.
            model: as `find` gave it.
            time_s: Unix seconds.
            service_tier: as billed, lower case; "" for none.
        """
        moment = datetime.fromtimestamp(time_s, UTC)
        standard = model.get_prices(moment)
        since = _since(model, standard)
        price_id = f"{provider}/{model.id}" + (f"@{since}" if since else "")
        rate = self._complete(model.id, price_id, standard)
        if service_tier in STANDARD:
            return rate
        context = _CONTEXTS.get(service_tier, {"service_tier": service_tier})
        chosen = model.get_prices(moment, context) if _has_variant(model, moment, context) else None
        if chosen is not None:
            rate = self._complete(model.id, price_id, chosen)
        elif (factor := self._supplement.factor(provider, model.id, service_tier)) is not None:
            rate = rate.scaled(factor)
        else:
            return rate._replace(reason="no_price_for_service_tier", partial=True)
        return rate._replace(price_id=f"{price_id};{service_tier}")

    def _complete(self, model: str, price_id: str, prices: ModelPrice) -> Rate:
        """With the prices that follow from others.

        Without one of its own, what was cached costs what input costs (as genai-prices has it).
        """
        rate = self._supplement.complete(model, Rate(price_id, _units(prices)))
        if "input" not in rate.units:
            return rate
        as_input = dict.fromkeys(("cache_read", "cache_write"), rate.units["input"])
        return rate._replace(units=as_input | rate.units)


def _has_variant(model: ModelInfo, moment: datetime, context: dict[str, str]) -> bool:
    return any(
        (variant.constraint is None or variant.constraint.active(moment))
        and all(context.get(key) == value for key, value in variant.when.items())
        for variant in model.price_variants or ()
    )


def _since(model: ModelInfo, prices: ModelPrice) -> date | None:
    """The day from which prices are in force, where they have one."""
    if isinstance(model.prices, ModelPrice):
        return None
    conditional: ConditionalPrice
    for conditional in model.prices:
        if conditional.prices is prices and isinstance(conditional.constraint, StartDateConstraint):
            return conditional.constraint.start_date
    return None


def _units(prices: ModelPrice) -> dict[str, Tiers]:
    units = {}
    for unit, (key, per) in UNITS.items():
        price = getattr(prices, key, None)
        if price is not None:
            units[unit] = _tiers(price, per)
    return units


def _tiers(price: Decimal | TieredPrices, per: int) -> Tiers:
    if isinstance(price, TieredPrices):
        return (
            Tier(0, pico(price.base, per)),
            *(Tier(tier.start, pico(tier.price, per)) for tier in price.tiers),
        )
    return (Tier(0, pico(price, per)),)
