"""What does a dead letter look like on its topic? The record's own bytes; headers say why and where from."""

from schemas.decoded import Reason

DETAIL_CHARS = 1_000


def headers(
    reason: Reason, detail: str, topic: str, partition: int, offset: int, number: int, append_ns: int
) -> list[tuple[str, str | bytes | None]]:
    """Headers of a dead letter; the value is the original record.

    Args:
        reason: why it is none of ours.
        detail: what is wrong, for a person.
        topic: where it was read, with partition and offset.
        partition: of the source.
        offset: of the message.
        number: of the record within the message.
        append_ns: when the broker appended the message, Unix nanoseconds.
    """
    return [
        ("reason", reason.value),
        ("detail", detail[:DETAIL_CHARS]),
        ("topic", topic),
        ("partition", str(partition)),
        ("offset", str(offset)),
        ("number", str(number)),
        ("append_time_unix_nano", str(append_ns)),
    ]
