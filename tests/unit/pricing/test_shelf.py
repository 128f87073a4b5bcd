"""New prices are in force without a restart; bad ones change nothing and say why."""

import gzip
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from streams.cli.prices_update import update
from streams.pricing.book import PriceBook
from streams.pricing.own import BadPrices
from streams.pricing.shelf import LOOK_EVERY_S, Shelf, load_book
from tests.unit.pricing.usage import NOW_NS, cost

OWN = "name = 'acme'\n[[prices]]\nmodel = 'house'\ninput_mtok = {price}\n"


def price_of(book: PriceBook) -> int | None:
    rate = book.find(None, "house", NOW_NS)
    return rate.units["input"][0].pico_usd if rate else None


def write(folder: Path, text: str, age: int) -> None:
    file = folder / "prices.toml"
    file.write_text(text)
    os.utime(file, (age, age))


def test_a_shelf_turns_when_its_files_change_and_stays_when_they_are_bad(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 0)
    assert price_of(shelf.book) is None
    write(tmp_path, OWN.format(price=1), 1)
    assert not shelf.turn(LOOK_EVERY_S / 2), "not looked at yet"
    assert shelf.turn(LOOK_EVERY_S)
    assert price_of(shelf.book) == 1_000_000
    write(tmp_path, OWN.format(price=-1), 2)
    assert shelf.turn(2 * LOOK_EVERY_S)
    assert price_of(shelf.book) == 1_000_000, "the book before stays"
    assert "prices.toml: prices, entry 1" in str(shelf.refused)
    assert not shelf.turn(3 * LOOK_EVERY_S), "told once"
    write(tmp_path, OWN.format(price=2), 3)
    assert shelf.turn(4 * LOOK_EVERY_S)
    assert (price_of(shelf.book), shelf.refused) == (2_000_000, None)
    (tmp_path / "prices.toml").unlink()
    assert shelf.turn(5 * LOOK_EVERY_S)
    assert price_of(shelf.book) is None


def test_a_bad_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text("[]")
    with pytest.raises(BadPrices, match=r"base\.json: .* has no providers"):
        Shelf(tmp_path, 0)
    (tmp_path / "base.json").write_text("{'no': json")
    with pytest.raises(BadPrices, match="no data file of genai-prices"):
        load_book(tmp_path)


class _Serve(BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(type(self).body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_an_update_comes_over_http_is_checked_and_says_what_changed(
    tmp_path: Path, shared_data: Path
) -> None:
    data = json.loads(gzip.decompress((shared_data / "prices" / "genai_prices_data.json.gz").read_bytes()))
    model = next(m for p in data if p["id"] == "openai" for m in p["models"] if m["id"] == "gpt-4o-mini")
    model["prices"] = {"input_mtok": 7, "output_mtok": 9}
    model.pop("price_variants", None)
    handler = type("Handler", (_Serve,), {"body": json.dumps(data).encode()})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        changes = update(tmp_path, f"http://127.0.0.1:{server.server_port}/data.json")
    finally:
        server.shutdown()
        server.server_close()
    assert "openai/gpt-4o-mini" in changes.repriced
    call = {"provider_name": "openai", "request_model": "gpt-4o-mini", "input_tokens": 1}
    (row,) = cost(load_book(tmp_path), call)
    assert row["cost_pico_usd"] == 7_000_000
    assert row["price_book"].startswith("genai-prices:")
    with pytest.raises(BadPrices, match="cannot be read"):
        update(tmp_path, str(tmp_path / "absent.json"))
    assert [file.name for file in tmp_path.iterdir()] == ["base.json"], "nothing half written is left"
