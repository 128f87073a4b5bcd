"""How do new prices come? As a data file of genai-prices, checked and put on the shelf."""

import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ModelInfo

from streams.pricing.own import BadPrices
from streams.pricing.shelf import BASE, read_base

URL = "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data.json"
TIMEOUT_S = 30
MAX_BYTES = 50_000_000


@dataclass(frozen=True)
class Changes:
    """What a new base changes: models as `provider/model`."""

    added: list[str]
    removed: list[str]
    repriced: list[str]


def fetch(source: str) -> bytes:
    """The bytes of an address or a file.

    Raises:
        BadPrices: it cannot be read.
    """
    try:
        if "://" not in source:
            return Path(source).read_bytes()
        with urllib.request.urlopen(source, timeout=TIMEOUT_S) as response:
            value: bytes = response.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise BadPrices(f"{source} cannot be read: {error}") from error
    if len(value) > MAX_BYTES:
        raise BadPrices(f"{source} has more than {MAX_BYTES} bytes")
    return value


def update(folder: Path, source: str) -> Changes:
    """Put a new base on the shelf, in one step; the one in force stays when the new one is bad.

    Args:
        folder: of prices; made when absent.
        source: address or file.

    Raises:
        BadPrices: it cannot be read or used.
    """
    value = fetch(source)
    new = read_base(value)
    file = folder / BASE
    old = read_base(file.read_bytes()) if file.exists() else get_snapshot()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".base-", delete=False) as out:
        out.write(value)
    written = Path(out.name)
    written.chmod(0o644)  # roles may run as another user
    written.replace(file)
    return compare(old, new)


def compare(old: DataSnapshot, new: DataSnapshot) -> Changes:
    """What one base has and another has not, or otherwise."""
    before, after = _models(old), _models(new)
    return Changes(
        sorted(after.keys() - before.keys()),
        sorted(before.keys() - after.keys()),
        sorted(
            name for name in before.keys() & after.keys() if _prices(before[name]) != _prices(after[name])
        ),
    )


def _models(snapshot: DataSnapshot) -> dict[str, ModelInfo]:
    return {
        f"{provider.id}/{model.id}": model for provider in snapshot.providers for model in provider.models
    }


def _prices(model: ModelInfo) -> tuple[object, object]:
    return model.prices, model.price_variants or None
