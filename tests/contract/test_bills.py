"""What real calls cost is what was billed, or the difference has a name."""

import gzip
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from streams.pricing.book import PriceBook
from tests.data import aider, miniswe
from tests.unit.pricing.usage import cost

BOOK = PriceBook()
TABLES = ("1.54.1", "1.63.0")  # litellm's of December 2024 and of February 2025
# Calls that no table prices as we do: model, how many, and why.
OTHERWISE: dict[str, tuple[int, str]] = {
    "openrouter/mistralai/mistral-large": (1, "Mistral lowered it two days before, the tables had not"),
    "openrouter/qwen/qwen-2.5-coder-32b-instruct": (17, "the base has the gateway's price of today alone"),
    "gemini/gemini-1.5-pro-latest": (6, "Google lowered it in October 2024, the tables had not"),
    "gemini/gemini-1.5-pro": (2, "likewise"),
    "gemini/gemini-1.5-pro-001": (2, "likewise"),
    "gemini/gemini-1.5-pro-002": (2, "likewise"),
    "gemini/gemini-1.5-pro-exp-0801": (
        2,
        "experimental models are free, the tables say otherwise of this one",
    ),
    "gemini/gemini-pro": (2, "the base has another price"),
    "gemini/gemini-1.5-flash-8b": (5, "the tables say 0; it has had a price since October 2024"),
    "mistral/codestral-latest": (1, "a cheaper one began on that day, the tables had the one before"),
    "openrouter/anthropic/claude-3-5-haiku-20241022": (2, "it was lowered three days before"),
}
# Calls that a table of that time prices and we do not: counted as unpriced, never as nothing.
UNPRICED = {
    "fireworks_ai/accounts/fireworks/models/qwen2p5-coder-32b-instruct": 1,
    "gemini/gemini-gemma-2-27b-it": 2,
    "gemini/gemini-gemma-2-9b-it": 2,
    "gemini/gemini-pro-vision": 2,
}


def test_every_billed_call_of_a_coding_agent_costs_what_was_billed(shared_data: Path) -> None:
    calls = miniswe.read_calls()
    said = [
        {
            "provider_name": "gcp.gemini",
            "request_model": call["model"],
            "input_tokens": call["prompt_tokens"],
            "output_tokens": call["completion_tokens"],
            "cache_read_tokens": call["cached_tokens"],
            "reasoning_tokens": call["reasoning_tokens"],
            "time_ns": call["created"] * 10**9,
        }
        for call in calls
    ]
    rows = cost(BOOK, *said)
    billed = sum(call["cost"] is not None for call in calls)  # of 27 calls the record tells no bill
    exact = sum(
        row["cost_pico_usd"] == int((Decimal(str(call["cost"])) * 10**12).to_integral_value())
        for call, row in zip(calls, rows, strict=True)
        if call["cost"] is not None
    )
    assert (exact, billed, len(calls)) == (2_406, 2_406, 2_433)
    assert {row["cost_status"] for row in rows} == {"PRICED"}


def test_every_call_of_a_coding_agents_user_has_the_price_of_its_day(shared_data: Path) -> None:
    tables = [read_table(shared_data, version) for version in TABLES]
    calls = [record | {"model": record["properties"]["main_model"]} for record in aider.read_calls()]
    rows = cost(BOOK, *({**about(record), "request_model": record["model"]} for record in calls))
    found: Counter[str] = Counter()
    otherwise: Counter[str] = Counter()
    unpriced: Counter[str] = Counter()
    for record, row in zip(calls, rows, strict=True):
        tokens = record["properties"]["prompt_tokens"], record["properties"]["completion_tokens"]
        theirs = {
            price for table in tables if (price := of_table(table, record["model"], *tokens)) is not None
        }
        if row["cost_pico_usd"] is None:
            assert row["cost_status"] == "UNPRICED"
            found["unpriced"] += 1
            if theirs - {0}:
                unpriced[record["model"]] += 1
        elif row["cost_pico_usd"] in theirs:
            found["exact"] += 1
        else:
            found["otherwise"] += 1
            otherwise[record["model"]] += 1
    assert otherwise == {model: count for model, (count, _) in OTHERWISE.items()}
    assert unpriced == UNPRICED
    assert found == {"exact": 2_132, "otherwise": 42, "unpriced": 156}


def about(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "input_tokens": record["properties"]["prompt_tokens"],
        "output_tokens": record["properties"]["completion_tokens"],
        "time_ns": record["time"] * 10**9,
    }


def read_table(shared_data: Path, version: str) -> dict[str, Any]:
    with gzip.open(shared_data / "prices" / f"litellm-{version}.model_prices.json.gz", "rt") as file:
        return dict(json.load(file, parse_float=Decimal))


def of_table(table: dict[str, Any], model: str, prompt: int, completion: int) -> int | None:
    """Pico-USD by a table, under the model's name or what is left of it without its first prefix."""
    for name in (model, model.split("/", 1)[-1]):
        if "input_cost_per_token" in table.get(name, {}):
            entry = table[name]
            usd = prompt * Decimal(entry["input_cost_per_token"]) + completion * Decimal(
                entry["output_cost_per_token"]
            )
            return int(usd * 10**12)
    return None
