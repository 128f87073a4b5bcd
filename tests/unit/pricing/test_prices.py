"""A cost is the provider's, cent for cent, and says how sure it is."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.pricing.apply import COLUMNS
from streams.pricing.book import PriceBook
from streams.pricing.names import candidates, provider_of
from tests.unit.pricing.usage import NUMBERS, cost

BOOK = PriceBook()
SONNET = {"provider_name": "anthropic", "request_model": "claude-sonnet-4-5-20250929"}
# Sonnet 4.5 cost this when it had a long context.
AUTUMN_2025_NS = int(datetime(2025, 11, 1, tzinfo=UTC).timestamp()) * 10**9


def usd(pico_usd: int | None) -> Decimal:
    assert pico_usd is not None
    return Decimal(pico_usd).scaleb(-12)


def one(**call: Any) -> dict[str, Any]:
    return cost(BOOK, call)[0]


def test_a_million_tokens_in_small_calls_and_in_one_of_long_context() -> None:
    small = [
        SONNET | {"input_tokens": 100_000, "output_tokens": 0, "time_ns": AUTUMN_2025_NS},
        SONNET | {"input_tokens": 0, "output_tokens": 100_000, "time_ns": AUTUMN_2025_NS},
    ]
    ins, outs = (sum(usd(row["cost_pico_usd"]) for row in cost(BOOK, *[call] * 10)) for call in small)
    assert (ins, outs) == (Decimal(3), Decimal(15))
    long = one(**SONNET, input_tokens=1_000_000, output_tokens=1_000_000, time_ns=AUTUMN_2025_NS)
    assert usd(long["cost_input_pico_usd"]) == Decimal(6)
    assert usd(long["cost_output_pico_usd"]) == Decimal("22.5")
    assert long["cost_status"] == "PRICED"


def test_what_is_written_to_a_cache_for_an_hour_costs_twice_the_input_and_else_a_quarter_more() -> None:
    row = one(
        **SONNET,
        input_tokens=3_000,
        cache_write_tokens=2_000,
        cache_write_1h_tokens=1_000,
        cache_read_tokens=500,
    )
    assert usd(row["cost_cache_write_pico_usd"]) == Decimal("0.00375") + Decimal("0.006")
    assert usd(row["cost_input_pico_usd"]) == Decimal("0.0015")
    assert usd(row["cost_cache_read_pico_usd"]) == Decimal("0.00015")


def test_a_batch_costs_half_and_an_unknown_tier_is_told() -> None:
    full, half, odd = (
        one(
            provider_name="openai",
            request_model="gpt-4o-mini",
            input_tokens=1000,
            output_tokens=1000,
            service_tier=tier,
        )
        for tier in ("default", "batch", "platinum")
    )
    assert half["cost_pico_usd"] * 2 == full["cost_pico_usd"] == odd["cost_pico_usd"]
    assert half["price_id"] == "openai/gpt-4o-mini;batch"
    assert (full["cost_status"], odd["cost_status"]) == ("PRICED", "PARTIAL")
    assert odd["cost_reason"] == "no_price_for_service_tier"


def test_audio_has_its_own_price_or_is_missing() -> None:
    heard = one(
        provider_name="gcp.gemini",
        request_model="gemini-2.5-flash",
        input_tokens=1000,
        input_audio_tokens=400,
    )
    assert heard["cost_status"] == "PRICED"
    assert usd(heard["cost_audio_pico_usd"]) == Decimal(400) * Decimal(1).scaleb(-6)
    assert usd(heard["cost_input_pico_usd"]) == Decimal(600) * Decimal("0.30").scaleb(-6)
    missing = one(**SONNET, input_tokens=1000, input_audio_tokens=400)
    assert (missing["cost_status"], missing["cost_reason"]) == ("PARTIAL", "no_price_for_input_audio")


def test_an_unknown_model_is_unpriced_and_never_zero_but_a_reported_cost_stands_in() -> None:
    unknown = one(request_model="nobody-knows-it", input_tokens=5)
    assert (unknown["cost_pico_usd"], unknown["cost_status"], unknown["cost_reason"]) == (
        None,
        "UNPRICED",
        "no_price",
    )
    told = one(request_model="nobody-knows-it", input_tokens=5, reported_pico_usd=77)
    assert (told["cost_pico_usd"], told["cost_status"]) == (77, "REPORTED")
    assert [told[f"cost_{part}_pico_usd"] for part in COLUMNS] == [None] * len(COLUMNS)
    known = one(**SONNET, input_tokens=5, reported_pico_usd=77)
    assert (known["cost_pico_usd"], known["reported_cost_pico_usd"]) == (15_000_000, 77), "a cross-check"


def test_a_hit_in_a_cache_of_responses_costs_nothing_and_tells_what_it_saved() -> None:
    row = one(**SONNET, input_tokens=1000, response_cached=True)
    assert (row["cost_pico_usd"], row["cost_status"], row["cost_reason"]) == (0, "FREE", "response_cache_hit")
    assert usd(row["usage_cost_pico_usd"]) == Decimal("0.003")


def test_the_price_is_that_of_the_day() -> None:
    before, after = (
        one(
            provider_name="anthropic",
            request_model="claude-3-5-haiku-20241022",
            input_tokens=1_000_000,
            time_ns=int(datetime(2024, 12, day, 12, tzinfo=UTC).timestamp()) * 10**9,
        )
        for day in (2, 3)
    )
    assert (usd(before["cost_pico_usd"]), usd(after["cost_pico_usd"])) == (Decimal(1), Decimal("0.8"))


@pytest.mark.parametrize(
    ("provider", "address", "model", "who"),
    [
        ("openai", "acme.openai.azure.com", "gpt-4o", "azure"),
        ("openai", "https://acme.cognitiveservices.azure.com:443/openai", "gpt-4o", "azure"),
        ("azure.ai.openai", None, "gpt-4o", "azure"),
        (None, "bedrock-runtime.us-east-1.amazonaws.com", "x", "aws"),
        ("openai", "localhost:8080", "gpt-4o", "openai"),
        (None, None, "bedrock/anthropic.claude", "aws"),
        (None, None, "gpt-4o", None),
        ("groq", "api.openai.com", "x", "groq"),
    ],
)
def test_who_bills(provider: str | None, address: str | None, model: str, who: str | None) -> None:
    assert provider_of(provider, address, model) == who


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929"),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-3-5-sonnet-20241022-v2:0",
            "claude-3-5-sonnet-20241022",
        ),
        ("publishers/anthropic/models/claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929"),
        ("models/gemini-2.0-flash", "gemini-2.0-flash"),
        ("openrouter/anthropic/claude-3.5-sonnet:beta", "claude-3-5-sonnet"),
        ("openai/gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("gpt-4o-mini-2099-01-01", "gpt-4o-mini"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
    ],
)
def test_a_models_name_is_found_under_what_its_maker_calls_it(said: str, meant: str) -> None:
    assert candidates(said)[0] == said.lower(), "what was said comes first"
    assert meant in candidates(said)


def test_a_fine_tuned_model_has_no_price_of_another() -> None:
    assert candidates("ft:gpt-4o-mini:acme::x") == ["ft:gpt-4o-mini:acme::x"]


def test_a_price_says_what_was_assumed() -> None:
    assert one(request_model="gpt-4o-mini", input_tokens=1)["cost_reason"] == "provider_by_model"
    assert one(provider_name="some-gateway", request_model="gpt-4o-mini", input_tokens=1)["cost_reason"] == (
        "provider_does_not_list_model"
    )
    alias = one(
        provider_name="openai", response_model="my-alias", request_model="gpt-4o-mini", input_tokens=1
    )
    assert alias["cost_reason"] == "price_of_request_model"
    assert one(provider_name="openai", request_model="gpt-4o-mini", input_tokens=1)["cost_reason"] is None


CALLS = st.fixed_dictionaries(
    {
        "provider_name": st.sampled_from((None, "openai", "anthropic", "aws.bedrock")),
        "request_model": st.sampled_from(
            ("gpt-4o-mini", "gpt-4o-audio-preview", "claude-sonnet-4-5", "gemini-2.5-pro", "none-such", None)
        ),
        "service_tier": st.sampled_from((None, "batch", "flex", "priority", "odd")),
        "response_cached": st.sampled_from((None, None, True)),
        "reported_pico_usd": st.one_of(st.none(), st.integers(0, 10**15)),
        "time_ns": st.integers(1_700_000_000, 1_800_000_000).map(lambda s: s * 10**9),
    }
    | {name: st.one_of(st.none(), st.integers(0, 10**9)) for name in NUMBERS}
)


@settings(max_examples=300, deadline=None)
@given(st.lists(CALLS, min_size=1, max_size=6))
def test_a_total_is_the_sum_of_its_parts_never_negative_and_the_same_alone(
    calls: list[dict[str, Any]],
) -> None:
    together = cost(BOOK, *calls)
    for call, row in zip(calls, together, strict=True):
        assert cost(BOOK, call) == [row], "how frames are cut changes nothing"
        parts = [row[f"cost_{part}_pico_usd"] for part in COLUMNS]
        if row["cost_status"] in ("PRICED", "PARTIAL", "FREE"):
            assert row["cost_pico_usd"] == sum(parts) >= 0
            assert min(parts) >= 0
        elif row["cost_status"] == "REPORTED":
            assert row["cost_pico_usd"] == call["reported_pico_usd"]
        else:
            assert (row["cost_pico_usd"], set(parts)) == (None, {None})
        assert (row["cost_status"] == "NONE") == all(
            call[name] is None for name in (*NUMBERS, "reported_pico_usd")
        )
