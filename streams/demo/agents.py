"""Who works in the simulated fleet, and what do their steps look like? Data alone.

Durations are lognormal (median and sigma; sigma .35 to .5, so that a change of a quarter can be told from
noise within some hundred steps), output tokens Pareto, input tokens lognormal. A call's duration does not
depend on its tokens, so that a change of one signal changes that one alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Agent:
    """An agent of the fleet.

    Attributes:
        name: `agent_name`.
        service: `service_name`.
        team: whose it is.
        version: at the beginning.
        next_version: after its deploy; empty: it has none.
    """

    name: str
    service: str
    team: str
    version: str
    next_version: str = ""


@dataclass(frozen=True)
class Call:
    """How long a step of a kind takes, and how often it fails.

    Attributes:
        name: of the step; of the tool, for tools.
        seconds: median duration.
        sigma: of its logarithm.
        error_ratio: share that fails.
    """

    name: str
    seconds: float
    sigma: float = 0.4
    error_ratio: float = 0.02


@dataclass(frozen=True, kw_only=True)
class LlmCall(Call):
    """A step that asks a language model.

    Attributes:
        model: a name that the price book knows.
        provider: likewise.
        input_tokens: median; sigma of the logarithm is .3.
        cached_ratio: share of the input that is read from the cache.
        output_tokens: the least of the Pareto law.
        output_shape: its exponent; below 2 the variance is infinite.
    """

    model: str
    provider: str
    input_tokens: int
    cached_ratio: float
    output_tokens: int
    output_shape: float = 2.5


TRIAGE = Agent("support-triage", "support-desk", "support", "3.2.0")
RESOLVER = Agent("support-resolver", "order-service", "support", "1.7.4")
REVIEWER = Agent("code-reviewer", "review-bot", "platform", "1.8.0", "1.9.0")
EXTRACTOR = Agent("invoice-extractor", "invoices", "finance", "2.4.1", "2.5.0")
RESEARCHER = Agent("sales-researcher", "lead-research", "sales", "0.9.3")
AGENTS = (TRIAGE, RESOLVER, REVIEWER, EXTRACTOR, RESEARCHER)

PII_CHECK = Call("pii-check", 0.05, error_ratio=0.0)
HANDBOOK = Call("handbook", 0.18)
LOOKUP_ORDER = Call("lookup_order", 0.6, 0.4)
REFUND = Call("refund", 0.9, 0.5)
READ_DIFF = Call("read_diff", 0.3, 0.5)
RUN_TESTS = Call("run_tests", 11.0, 0.45)
OCR = Call("ocr", 2.2, 0.35)
POST_INVOICE = Call("post_invoice", 0.4, 0.4)
WEB_SEARCH = Call("web_search", 1.1, 0.5)

CLASSIFY = LlmCall(
    "classify",
    0.7,
    model="gpt-4o-mini",
    provider="openai",
    input_tokens=900,
    cached_ratio=0.6,
    output_tokens=12,
)
ANSWER = LlmCall(
    "answer",
    3.4,
    0.45,
    model="claude-sonnet-4-5",
    provider="anthropic",
    input_tokens=4_200,
    cached_ratio=0.7,
    output_tokens=160,
)
REVIEW = LlmCall(
    "review",
    5.2,
    0.5,
    model="gpt-4o",
    provider="openai",
    input_tokens=7_500,
    cached_ratio=0.3,
    output_tokens=220,
)
EXTRACT = LlmCall(
    "extract",
    1.9,
    0.35,
    model="gemini-2.5-flash",
    provider="google",
    input_tokens=3_000,
    cached_ratio=0.0,
    output_tokens=300,
)
PLAN = LlmCall(
    "plan",
    1.2,
    0.4,
    model="gpt-4o-mini",
    provider="openai",
    input_tokens=1_500,
    cached_ratio=0.5,
    output_tokens=60,
)
# Without its cache a call costs half as much again: 24 -> 14 mUSD of input at a ratio of .46, 6 of output.
SUMMARIZE = LlmCall(
    "summarize",
    6.0,
    0.45,
    model="claude-sonnet-4-5",
    provider="anthropic",
    input_tokens=8_000,
    cached_ratio=0.46,
    output_tokens=240,
)
EMBED = Call("embed", 0.09, error_ratio=0.0)
# Provider and model of it; the second is of the house, and no price book knows it.
EMBED_MODELS = (("openai", "text-embedding-3-small"), ("in-house", "ledger-embed-1"))
