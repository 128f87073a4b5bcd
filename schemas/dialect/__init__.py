"""Which span attribute means which field of an event? Tables only; `schemas.span` applies them.

To teach a name: add it to the line of its field, at the place of its precedence, and a golden example (see
docs/dialects.md). On each line the current name of OpenTelemetry comes first, then names that are still
emitted, then those of other conventions; the first usable value wins.

Sources of the facts: OpenTelemetry GenAI semantic conventions up to v1.41 and the cache_write name that came
after; OpenInference's, OpenLLMetry's, Langfuse's, Laminar's, AgentOps', OpenLIT's and Phoenix' published
conventions and code; the documentation of the Vercel AI SDK, Logfire, ADK, MLflow, Genkit and LiveKit.
"""

from schemas.dialect.contents import CONTENTS, FINGERPRINTED, FLATTENED, LISTS, WRAPPERS
from schemas.dialect.emitters import CURRENT, DIALECTS, EXCLUSIVE
from schemas.dialect.kinds import HINTS, KIND_OF_OPERATION, KIND_OF_TRACELOOP, KINDS, SPAN_NAMES
from schemas.dialect.labels import LABELS, RESOURCE_LABELS
from schemas.dialect.numbers import FLAGS, JSON_KEYS, JSON_USAGE, NUMBERS, SCALES, TOKENS
from schemas.dialect.values import CANONICAL, FINISH_REASONS, FRAMEWORKS, PROVIDERS, VERDICTS

__all__ = [
    "CANONICAL",
    "CONTENTS",
    "CURRENT",
    "DIALECTS",
    "EXCLUSIVE",
    "FINGERPRINTED",
    "FINISH_REASONS",
    "FLAGS",
    "FLATTENED",
    "FRAMEWORKS",
    "HINTS",
    "JSON_KEYS",
    "JSON_USAGE",
    "KINDS",
    "KIND_OF_OPERATION",
    "KIND_OF_TRACELOOP",
    "LABELS",
    "LISTS",
    "NUMBERS",
    "PROVIDERS",
    "RESOURCE_LABELS",
    "SCALES",
    "SPAN_NAMES",
    "TOKENS",
    "VERDICTS",
    "WRAPPERS",
]
