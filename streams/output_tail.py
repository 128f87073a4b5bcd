"""What did a role write last? Reads its own outputs back from Kafka, from their ends.

Asked when a state cannot go on exactly where the outputs ended: after a gap, or under changed logic. Then
what was sent must be known, so that nothing is sent twice.
"""

from collections.abc import Iterable

from schemas.columns import Kind
from schemas.frame import Header, InvalidFrame, Label, Writer, decode_header
from streams.reading import marks, read_to_end
from streams.settings import Settings

_FIRST_LOOK = 500


class OutputTail:
    """The last label of a writer in each partition that it writes to, and its last frame of one kind.

    Attributes:
        last: by topic and partition; absent where nothing of the writer is left.
        last_of_kind: the last label of a frame of `kind` anywhere; None where there is none.
    """

    def __init__(
        self,
        settings: Settings,
        places: Iterable[tuple[str, int]],
        writer: Writer,
        partition: int,
        kind: Kind | None = None,
    ) -> None:
        """Read the ends.

        Args:
            settings: of the namespace.
            places: topics and partitions that the writer may have written to.
            writer: whose frames.
            partition: of its input.
            kind: of `last_of_kind`; None: not asked for.

        Raises:
            KafkaException: Kafka does not answer.
        """
        self.last: dict[tuple[str, int], Label] = {}
        self.last_of_kind: Label | None = None
        self._of = (writer, partition)
        self._kind = kind
        for topic, place in places:
            self._look(settings, topic, place)

    @property
    def offset(self) -> int:
        """The greatest input offset that an output was made from; -1 when there is none."""
        return max((label.offset for label in self.last.values()), default=-1)

    def _look(self, settings: Settings, topic: str, place: int) -> None:
        """Read ever more of the end until what is looked for is there."""
        low, high = marks(settings, topic, place)
        count = _FIRST_LOOK
        while high > low:
            first = max(low, high - count)
            last, of_kind = self._read(settings, topic, place, first)
            if (last is not None and (self._kind is None or of_kind is not None)) or first == low:
                if last is not None:
                    self.last[topic, place] = last
                if of_kind is not None:
                    self.last_of_kind = max(of_kind, self.last_of_kind or of_kind)
                return
            count *= 10

    def _read(
        self, settings: Settings, topic: str, place: int, first: int
    ) -> tuple[Label | None, Label | None]:
        last: Label | None = None
        of_kind: Label | None = None
        for _, value in read_to_end(settings, topic, place, first):
            header = self._mine(value)
            if header is not None:
                last = max(header.label, last or header.label)
                if header.kind is self._kind:
                    of_kind = max(header.label, of_kind or header.label)
        return last, of_kind

    def _mine(self, value: bytes) -> Header | None:
        try:
            header = decode_header(value)
        except InvalidFrame:
            return None  # somebody else's; WRITE keeps it as a dead letter
        return header if (header.writer, header.partition) == self._of else None
