"""Which decoder reads which source topic? INGEST and the audit decode alike."""

from collections.abc import Callable

from schemas import native, otlp, otlp_logs
from schemas.decoded import Decoded
from schemas.topics import AGENT_EVENTS, OTLP_LOGS, OTLP_SPANS, SOURCE_IDS

# By the number of the topic on the wire.
DECODERS: dict[int, Callable[[bytes], Decoded]] = {
    SOURCE_IDS[AGENT_EVENTS.name]: native.decode,
    SOURCE_IDS[OTLP_SPANS.name]: otlp.decode,
    SOURCE_IDS[OTLP_LOGS.name]: otlp_logs.decode,
}
