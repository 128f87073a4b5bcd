"""How do bytes of the topic `agent-events` become events? JSON: one object, an array, or lines.

The fast path decodes a whole message at once. Only when that fails are its records looked at one by one, so
that one bad record never takes its neighbours with it.
"""

import msgspec

from schemas.decoded import Decoded, Reason, Rejected
from schemas.event import Event

# strict=False: numbers may be strings of digits (a double cannot hold Unix nanoseconds).
_ONE = msgspec.json.Decoder(Event, strict=False)
_MANY = msgspec.json.Decoder(list[Event], strict=False)
_RAW = msgspec.json.Decoder(msgspec.Raw)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])

# Deep nesting raises RecursionError, text that is not UTF-8 UnicodeDecodeError: both are faults of the input.
_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(value: bytes) -> Decoded:
    """The events of one message; never raises for any bytes.

    Args:
        value: a JSON object, a JSON array of objects, or JSON lines.

    Returns:
        Its events in order, and what is none, with the reason.
    """
    start = value[:64].lstrip()[:1] or value.lstrip()[:1]
    if not start:
        return Decoded([], (), [Rejected(0, Reason.EMPTY, "The message has no bytes", value)])
    try:
        events = _MANY.decode(value) if start == b"[" else _ONE.decode_lines(value)
    except _FAULTS:
        return _decode_apart(value, start == b"[")
    return Decoded(events, range(len(events)), [])


def _decode_apart(value: bytes, is_array: bool) -> Decoded:
    try:
        records = [bytes(raw) for raw in _RAWS.decode(value)] if is_array else _split(value)
    except _FAULTS as error:
        return Decoded([], (), [Rejected(0, Reason.INVALID_JSON, _say(error), value)])
    events: list[Event] = []
    numbers: list[int] = []
    rejected: list[Rejected] = []
    for number, record in enumerate(records):
        try:
            events.append(_ONE.decode(record))
            numbers.append(number)
        except msgspec.ValidationError as error:
            rejected.append(Rejected(number, Reason.INVALID_EVENT, _say(error), record))
        except _FAULTS as error:
            rejected.append(Rejected(number, Reason.INVALID_JSON, _say(error), record))
    return Decoded(events, numbers, rejected)


def _split(value: bytes) -> list[bytes]:
    """The records of a message that is no array: itself when it is one JSON value, else its lines."""
    try:
        _RAW.decode(value)
    except _FAULTS:
        return [line for line in value.split(b"\n") if line.strip()]
    return [value]


def _say(error: BaseException) -> str:
    return str(error) or type(error).__name__
