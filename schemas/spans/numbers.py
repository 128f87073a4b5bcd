"""How many tokens, how much money, how long? The first value of a field that is a number within its limits.

Usage that nobody can read refuses the span: a call without its usage would be billed as nothing. Other
numbers refuse none; a call without them is still a call.
"""

from datetime import datetime
from typing import Any

from schemas import dialect, tokens
from schemas.attributes import Read, Sort
from schemas.spans.model import MAX_UNIX_NANO, InvalidSpan
from schemas.spans.values import number_of, parsed, text_of

MAX_TOKENS = 1_000_000_000
MAX_USD = 999_999
_COST_DETAILS = "langfuse.observation.cost_details"
_COSTS = ("gen_ai.usage.input_cost", "gen_ai.usage.output_cost")
# Least and greatest value.
_LIMITS = {
    "reported_cost_usd": (0.0, float(MAX_USD)),
    "time_to_first_chunk_s": (0.0, 1e9),
    "evaluation_score_value": (-1e18, 1e18),
}


def add_usage(said: Read, scope_name: str, scope_version: str, fields: dict[str, Any]) -> None:
    """Add tokens, and how what was cached is counted.

    Raises:
        InvalidSpan: a field of usage has values, and none is a number of tokens.
    """
    usage: tokens.Fields = {}
    for field, place in said.shape.firsts[Sort.USAGE]:
        value = said.values[place]
        usage[field] = value if type(value) is int and 0 <= value <= MAX_TOKENS else _tokens(said, field)
    if usage:
        fields["token_convention"] = tokens.settle(usage, scope_name, scope_version)
        fields.update(usage)


def _tokens(said: Read, field: str) -> int:
    values = said.all(field)
    for rank, found in enumerate(values):
        number = number_of(found.value)
        if number is not None and 0 <= number <= MAX_TOKENS and number == int(number):
            if rank:
                said.prefer(field, found)
            return int(number)
        said.refuse(found)
    shown = text_of(values[0].value)[:64]
    raise InvalidSpan(f"{values[0].name} is {shown!r}, not a number of tokens (0 to {MAX_TOKENS})")


def add_numbers(said: Read, start_time_unix_nano: int, fields: dict[str, Any]) -> None:
    """Add what is neither label, usage nor content: costs, times, scores, flags."""
    for field, place, scale in said.shape.numbers:
        value = said.values[place]
        low, high = _LIMITS[field]
        if type(value) is float and low <= value * scale <= high:
            fields[field] = value * scale
        elif (number := _number(said, field, low, high)) is not None:
            fields[field] = number
    for field, place in said.shape.firsts[Sort.FLAG]:
        fields[field] = str(said.values[place]).lower() in ("true", "1")
    hints = said.hints
    if "reported_cost_usd" not in fields and (hints or _COST_DETAILS in said.rest):
        fields["reported_cost_usd"] = _cost_of_parts(said)
    if hints:
        if "time_to_first_chunk_s" not in fields:
            fields["time_to_first_chunk_s"] = _first_chunk_s(said, start_time_unix_nano)
        if hints.get("gen_ai.request.batch") in (True, "true", "True"):
            fields["service_tier"] = "batch"


def _number(said: Read, field: str, low: float, high: float) -> float | None:
    """The first value within the limits, in the unit of the field."""
    for rank, found in enumerate(said.all(field)):
        number = number_of(found.value)
        if number is not None and low <= (scaled := number * dialect.SCALES.get(found.name, 1)) <= high:
            if rank:
                said.prefer(field, found)
            return scaled
        said.refuse(found)
    return None


def _cost_of_parts(said: Read) -> float | None:
    """A cost that is told in parts."""
    parts = [said.hints[name] for name in _COSTS if name in said.hints]
    details = parsed(said.rest.get(_COST_DETAILS))
    if isinstance(details, dict):
        parts = [details["total"]] if "total" in details else list(details.values())
    numbers = [number for part in parts if part is not None and (number := number_of(part)) is not None]
    total = sum(numbers)
    return total if numbers and 0 <= total <= MAX_USD else None


def _first_chunk_s(said: Read, start_time_unix_nano: int) -> float | None:
    told = said.hints.get("langfuse.observation.completion_start_time")
    if not isinstance(told, str):
        return None
    try:
        first = datetime.fromisoformat(told.strip('"'))
    except ValueError:
        return None
    if first.tzinfo is None:
        return None
    seconds = first.timestamp() - min(start_time_unix_nano, MAX_UNIX_NANO) / 1e9
    return seconds if 0 <= seconds <= 1e9 else None
