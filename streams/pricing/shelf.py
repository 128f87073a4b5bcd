"""Which price book is in force? That of a folder, looked at again while a role runs.

In it are `base.json`, put there by `wakeline prices update`, and `prices.toml`, written by the user; either
may be absent. So new prices need neither a release nor a restart.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from genai_prices import types
from genai_prices.data_snapshot import DataSnapshot

from streams.pricing.book import PriceBook
from streams.pricing.own import BadPrices, OwnPrices

BASE, OWN = "base.json", "prices.toml"
# How often the folder is looked at: prices change by the day, and a look is two calls of the system.
LOOK_EVERY_S = 10.0

_Stamp = tuple[tuple[int, int] | None, ...]


def read_base(value: bytes) -> DataSnapshot:
    """The prices of a data file of genai-prices.

    Raises:
        BadPrices: it is none.
    """
    try:
        # Its public reader takes addresses alone; the range in pyproject.toml is that of this one.
        providers: Any = types._providers_from_raw(json.loads(value))
    except Exception as error:  # whatever a foreign file makes of a foreign reader
        raise BadPrices(
            f"This is no data file of genai-prices: {type(error).__name__}: {error}"[:500]
        ) from error
    if not providers:
        raise BadPrices("This data file of genai-prices has no providers")
    return DataSnapshot(providers, from_auto_update=True)


def read_own(file: Path) -> OwnPrices:
    """The user's file.

    Raises:
        BadPrices: what is wrong, with the file's name.
    """
    try:
        return OwnPrices(file.read_text(encoding="utf-8"))
    except (BadPrices, UnicodeDecodeError) as error:
        raise BadPrices(f"{file}: {error}") from error


def load_book(folder: Path | None, own: Path | None = None) -> PriceBook:
    """The book of a folder; of what is installed where it has nothing.

    Args:
        folder: with `base.json` and `prices.toml`, or None.
        own: a user's file to take in the place of the folder's.

    Raises:
        BadPrices: a file cannot be used.
    """
    base = folder / BASE if folder else None
    own = own or (folder / OWN if folder else None)
    prices = read_own(own) if own is not None and own.exists() else None
    if base is None or not base.exists():
        return PriceBook(own=prices)
    value = base.read_bytes()
    try:
        snapshot = read_base(value)
    except BadPrices as error:
        raise BadPrices(f"{base}: {error}") from error
    digest = hashlib.blake2b(value, digest_size=4).hexdigest()
    return PriceBook(snapshot, prices, f"genai-prices:{digest}")


class Shelf:
    """The book in force, and the next one when the folder changes.

    Attributes:
        book: in force; a folder that cannot be used changes nothing.
        refused: what is wrong with the folder as it is, or None.
    """

    def __init__(self, folder: Path | None, now_s: float) -> None:
        """Read the folder.

        Raises:
            BadPrices: a file cannot be used; at the start there is no older book to go on with.
        """
        self._folder = folder
        self._stamp = self._look()
        self._looked_s = now_s
        self.book = load_book(folder)
        self.refused: str | None = None

    def turn(self, now_s: float) -> bool:
        """Look at the folder, if it is time; whether something changed, for better or worse."""
        if self._folder is None or now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.book, self.refused = load_book(self._folder), None
        except (BadPrices, OSError) as error:
            self.refused = str(error)
        return True

    def _look(self) -> _Stamp:
        if self._folder is None:
            return ()
        return tuple(_stamp(self._folder / name) for name in (BASE, OWN))


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size
