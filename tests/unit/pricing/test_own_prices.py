"""The user's file goes over every other price, and a bad one says which entry is wrong and why."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from streams.pricing.book import PriceBook
from streams.pricing.own import BadPrices, OwnPrices
from tests.unit.pricing.usage import cost

FILE = """
name = "acme"

[currencies.EUR]
"2025-01-01" = 1.05
"2025-06-01" = "1.10"

[[prices]]
provider = "openai"
model = "gpt-4o*"
from = 2025-01-01
until = 2025-07-01
currency = "EUR"
input_mtok = "2"
output_mtok = 8

[[prices]]
model = "llama-*"
free = true

[[prices]]
model = "house-model"
input_mtok = [{ above = 0, price = 1 }, { above = 1000, price = 3 }]
output_mtok = "5"
requests_kcount = "10"

[[discounts]]
provider = "anthropic"
from = 2025-01-01
factor = "0.85"
"""


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def row(**call: Any) -> dict[str, Any]:
    return cost(PriceBook(own=OwnPrices(FILE)), {"time_ns": at("2025-06-15")} | call)[0]


def usd(row: dict[str, Any]) -> Decimal:
    return Decimal(row["cost_pico_usd"]).scaleb(-12)


def test_a_price_in_another_currency_is_that_of_the_day() -> None:
    call = {"provider_name": "openai", "request_model": "gpt-4o", "input_tokens": 1_000_000}
    assert usd(row(**call)) == Decimal(2) * Decimal("1.10")
    assert usd(row(**call, time_ns=at("2025-02-01"))) == Decimal(2) * Decimal("1.05")
    assert usd(row(**call, time_ns=at("2025-07-01"))) == Decimal("2.5"), (
        "the day of `until` is the base's again"
    )
    assert row(**call)["price_id"] == "acme/1"
    assert "acme:" in row(**call)["price_book"]


def test_a_self_hosted_model_is_free_or_has_tiers_and_fees() -> None:
    free = row(request_model="llama-4-big", input_tokens=10)
    assert (free["cost_pico_usd"], free["cost_status"]) == (0, "FREE")
    small = row(request_model="house-model", input_tokens=1000, output_tokens=100)
    long = row(request_model="house-model", input_tokens=2000)
    assert usd(small) == Decimal("0.001") + Decimal("0.0005") + Decimal("0.01")
    assert usd(long) == Decimal("0.006") + Decimal("0.01")
    assert Decimal(long["cost_requests_pico_usd"]).scaleb(-12) == Decimal("0.01")


def test_a_discount_multiplies_what_the_base_says() -> None:
    call = {
        "provider_name": "anthropic",
        "request_model": "claude-3-opus-20240229",
        "output_tokens": 1_000_000,
    }
    assert usd(row(**call)) == Decimal(75) * Decimal("0.85")
    assert usd(row(**call, time_ns=at("2024-12-31"))) == Decimal(75)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nam = 3", "unknown field `nam`"),
        ("name = 'a'\n[[prices]]\nmodel = 'x'", "entry 1 (*/x): say prices, or `free = true`"),
        (
            "name = 'a'\n[[prices]]\nmodel = 'x'\ninput_mtok = -1",
            "entry 1 (*/x): input_mtok: -1 is not between",
        ),
        ("name = 'a'\n[[prices]]\ninput_mtok = 'cheap'", "input_mtok"),
        ("name = 'a'\n[[prices]]\ninput_mtok = 1\ncurrency = 'CHF'", "there is no rate for CHF"),
        (
            "name = 'a'\n[[prices]]\nfrom = 2025-02-01\nuntil = 2025-01-01\ninput_mtok = 1",
            "is not after from",
        ),
        ("name = 'a'\n[[prices]]\ninput_mtok = [{above = 5, price = 1}]", "first tier begins above 0"),
        ("name = 'a'\n[[prices]]\ninput_price = 1", "unknown field `input_price`"),
        ("name = 'a'\n[[discounts]]\nfactor = 85", "discounts, entry 1 (*/*): the factor 85"),
        ("name = 'a'\n[currencies.EUR]\nyesterday = 1", "yesterday"),
        ("name = 'a'\n[[prices", "This is no TOML"),
    ],
)
def test_a_bad_file_says_what_is_wrong_and_where(text: str, says: str) -> None:
    with pytest.raises(BadPrices) as raised:
        OwnPrices(text)
    assert says in str(raised.value)
