"""Which price belongs to a provider, a model and a moment, and how sure is it?

The base is genai-prices, dated and tiered; a supplement has published rules and
former prices that it lacks; the user's file
goes over both. A price is found once for each (provider, model, tier of service, quarter of an hour) - some
providers price by time of day - and kept: genai-prices' own `calc_price` takes 100 us a call.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import genai_prices
from genai_prices.data_snapshot import DataSnapshot, get_snapshot

from streams.pricing import supplement
from streams.pricing.base import Base
from streams.pricing.names import candidates, provider_of
from streams.pricing.own import OwnPrices
from streams.pricing.rates import PICO_PER_USD, Rate

__all__ = ["PICO_PER_USD", "QUARTER_NS", "PriceBook", "Rate"]

HISTORY = Path(__file__).with_name("history.toml")
REMEMBERED = 50_000
QUARTER_NS = 15 * 60 * 1_000_000_000


@dataclass(frozen=True)
class Lookup:
    """How a price was found.

    Attributes:
        rate: it.
        name: of the model, under which it was found.
        provider: id of who bills, as far as it was known.
    """

    rate: Rate
    name: str
    provider: str | None


class PriceBook:
    """Resolves prices, and remembers what it resolved.

    Attributes:
        version: names and hashes of the data; stored with every cost.
    """

    def __init__(
        self,
        snapshot: DataSnapshot | None = None,
        own: OwnPrices | None = None,
        base_version: str | None = None,
    ) -> None:
        """Make a book.

        Args:
            snapshot: of genai-prices; the one that is installed, unless given.
            own: the user's prices.
            base_version: names the snapshot.
        """
        self._supplement = supplement.load()
        self._base = Base(snapshot or get_snapshot(), self._supplement)
        self._own = own
        self._rates: dict[tuple[str | None, str | None, str, str, int], Lookup | None] = {}
        history = HISTORY.read_text(encoding="utf-8")
        self._history = OwnPrices(history)
        digest = hashlib.blake2b(supplement.FILE.read_bytes() + history.encode(), digest_size=3).hexdigest()
        parts = [base_version or f"genai-prices/{genai_prices.__version__}", f"supplement:{digest}"]
        self.version = "+".join([*parts, own.version] if own else parts)

    def find(
        self,
        provider_name: str | None,
        model: str,
        time_ns: int,
        service_tier: str | None = None,
        server_address: str | None = None,
    ) -> Rate | None:
        """The rate of a model at a time, or None when the book does not know the model.

        Args:
            provider_name: as OpenTelemetry has it, or None.
            model: the name that the call gave.
            time_ns: Unix nanoseconds.
            service_tier: as billed.
            server_address: host that was called.
        """
        found = self.look_up(provider_name, model, time_ns, service_tier, server_address)
        return found.rate if found else None

    def look_up(
        self,
        provider_name: str | None,
        model: str,
        time_ns: int,
        service_tier: str | None = None,
        server_address: str | None = None,
    ) -> Lookup | None:
        """As `find`, with how it was found."""
        quarter = time_ns // QUARTER_NS
        tier = (service_tier or "").lower()
        key = (provider_name, server_address, model, tier, quarter)
        if key not in self._rates:
            if len(self._rates) >= REMEMBERED:
                self._rates.clear()  # an emitter may invent a model's name for each call
            provider = provider_of(provider_name, server_address, model)
            self._rates[key] = self._resolve(provider, model, quarter * 900, tier)
        return self._rates[key]

    def near(self, model: str) -> list[str]:
        """Models of the base with a name like this one."""
        return self._base.near(model)

    def _resolve(self, provider: str | None, model: str, time_s: int, tier: str) -> Lookup | None:
        names = candidates(model)
        found = self._from_base(provider, names, time_s, tier)
        rate = found.rate if found else None
        for prices in (self._history, self._own):
            if prices is not None:
                rate = prices.apply(rate, provider, names, time_s, tier)
        if rate is None:
            return None
        return Lookup(rate, found.name if found else model, provider)

    def _from_base(self, provider: str | None, names: list[str], time_s: int, tier: str) -> Lookup | None:
        """A provider that does not list the model (a framework, a gateway) does not hide it.

        All spellings are tried where the call says it went, then wherever the model is known.
        """
        for where in dict.fromkeys((provider, None)):
            for name in names:
                found = self._base.find(where, name)
                if found is None:
                    continue
                rate = self._base.rate(*found, time_s, tier)
                reason = rate.reason or _reason(provider, where, name, names[0])
                return Lookup(rate._replace(reason=reason), name, where or found[0])
        return None


def _reason(provider: str | None, where: str | None, name: str, given: str) -> str | None:
    """What was assumed, if anything."""
    if where is None:
        return "provider_by_model" if provider is None else "provider_does_not_list_model"
    return None if name == given else "name_normalised"
