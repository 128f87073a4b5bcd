"""Is what was cached counted within the input? Decides it for one call, and makes the input include it. Pure.

Input includes what was read from and written to the cache, as OpenTelemetry says; Anthropic's own API counts
them apart, and some instrumentations hand that on. Sources: the GenAI conventions' note on input tokens and
the emitters' code, see docs/dialects.md.
"""

from schemas import dialect

Fields = dict[str, int | None]

INCLUSIVE = "inclusive"  # nothing speaks against it
INCLUSIVE_BY_TOTAL = "inclusive_by_total"
EXCLUSIVE_DETECTED = "exclusive_detected"  # input is less than what was cached
EXCLUSIVE_BY_TOTAL = "exclusive_by_total"
EXCLUSIVE_BY_SCOPE = "exclusive_by_scope"  # the emitter is in the table
# Appended where an emitter counts reasoning apart from the output, or wrongly; nothing is changed then.
REASONING_OVER_OUTPUT = "+reasoning_over_output"
# Most calls have nothing else.
_PLAIN = {"input_tokens", "output_tokens"}
# Appended where the total shows that reasoning is not within the output: it was added to it.
REASONING_ADDED = "+reasoning_added"


def settle(tokens: Fields, scope_name: str, scope_version: str) -> str | None:
    """Make `input_tokens` include what was cached.

    Args:
        tokens: fields of `dialect.TOKENS`; changed in place, what is only read for the decision goes.
        scope_name, scope_version: of the emitter.

    Returns:
        How it was decided; None where nothing was cached, so that there was nothing to decide.
    """
    if tokens.keys() <= _PLAIN:
        return None
    total, short = tokens.pop("total_tokens", None), tokens.pop("cache_write_5m_input_tokens", None)
    hour = tokens.get("cache_write_1h_input_tokens")
    if tokens.get("cache_write_input_tokens") is None and (short is not None or hour is not None):
        tokens["cache_write_input_tokens"] = (short or 0) + (hour or 0)
    cached = (tokens.get("cache_read_input_tokens") or 0) + (tokens.get("cache_write_input_tokens") or 0)
    over = _settle_reasoning(tokens, cached, total)
    output = tokens.get("output_tokens")
    if not cached:
        return INCLUSIVE + over if over else None
    convention = _convention(
        tokens.get("input_tokens") or 0, cached, output or 0, total, scope_name, scope_version
    )
    if convention.startswith("exclusive"):
        tokens["input_tokens"] = (tokens.get("input_tokens") or 0) + cached
    return convention + over


def _settle_reasoning(tokens: Fields, cached: int, total: int | None) -> str:
    """Make `output_tokens` include reasoning, where it is sure that it does not; what to say of it."""
    given, output = tokens.get("input_tokens") or 0, tokens.get("output_tokens")
    reasoning = tokens.get("reasoning_output_tokens") or 0
    if output is None or not reasoning:
        return ""
    without = (given + output, given + cached + output)
    # A sum without reasoning may come out as well, when as much was cached: then nothing is sure.
    if total is not None and total not in without and total - reasoning in without:
        tokens["output_tokens"] = output + reasoning
        return REASONING_ADDED
    return REASONING_OVER_OUTPUT if reasoning > output else ""


def _convention(
    given: int, cached: int, output: int, total: int | None, scope_name: str, scope_version: str
) -> str:
    if given < cached:
        return EXCLUSIVE_DETECTED
    for scope, fixed in dialect.EXCLUSIVE:
        if scope_name == scope and (not fixed or _version(scope_version) < _version(fixed)):
            return EXCLUSIVE_BY_SCOPE
    if total is not None and total == given + output + cached:
        return EXCLUSIVE_BY_TOTAL
    return INCLUSIVE_BY_TOTAL if total is not None and total == given + output else INCLUSIVE


def _version(text: str) -> tuple[int, ...]:
    """Leading numbers of a version: of `1.2.3b1` 1, 2 and 3."""
    parts = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        parts.append(int(digits[:9]))
    return tuple(parts)
