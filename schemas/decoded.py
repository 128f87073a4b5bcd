"""What does decoding one Kafka message give? Events, and the records that are none, each with its reason."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from schemas.event import Event


class Reason(StrEnum):
    """Why a record became a dead letter. A closed set: it labels metrics and a ClickHouse column."""

    EMPTY = "empty"  # no bytes
    TOO_LARGE = "too_large"  # over the limit of a message
    INVALID_JSON = "invalid_json"
    INVALID_EVENT = "invalid_event"  # JSON, but not an event: the detail names the field
    INVALID_PROTOBUF = "invalid_protobuf"
    INVALID_LOG = "invalid_log"  # OTLP, but an attribute or id is unusable
    INVALID_SPAN = "invalid_span"  # OTLP, but an attribute or id is unusable: the detail names it
    ROW_TOO_LARGE = "row_too_large"  # a step that alone exceeds a frame
    ROW_REJECTED = "row_rejected"  # ClickHouse refused the row
    INVALID_FRAME = "invalid_frame"
    INTERNAL = "internal"  # a bug of ours


class Rejected(NamedTuple):
    """A record that is no event.

    Attributes:
        number: of the record within its message, from 0.
        reason: see `Reason`.
        detail: what is wrong, for a person.
        original: the record's own bytes, or the whole message where it cannot be cut.
    """

    number: int
    reason: Reason
    detail: str
    original: bytes


class Decoded(NamedTuple):
    """The records of one message.

    Attributes:
        events: steps.
        numbers: `numbers[i]` is the place of `events[i]` within the message.
        rejected: records that are none.
        attachments: contents of steps that come on another way, with their ids; no steps.
        ignored: records that are of something else.
    """

    events: list[Event]
    numbers: Sequence[int]
    rejected: list[Rejected]
    attachments: Sequence[Event] = ()
    ignored: int = 0
