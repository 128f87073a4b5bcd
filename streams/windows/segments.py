"""Which segments has a partition seen in this epoch, and what becomes of one too many?

A segment is what windows are kept for: agent, version, environment, kind, step and model. Labels come from
outside, so their number is bounded: beyond the limit a new segment is folded into step and model `other` of
its agent, and beyond twice the limit into one segment for all. What is folded is counted.
"""

OTHER = "other"
SEGMENT_COLUMNS = ("agent_name", "agent_version", "environment", "kind", "step_name", "model")

Segment = tuple[str, ...]


class Segments:
    """Numbers segments by first sight. State: `names`, `folded_rows`."""

    def __init__(self, limit: int, partition: int) -> None:
        """
        Args:
            limit: segments that are kept apart.
            partition: goes into the name of the last resort, which has no agent to be told apart by.
        """
        self._limit = limit
        self._partition = partition
        self._ids: dict[Segment, int] = {}
        self.names: list[Segment] = []
        self.folded_rows = 0

    def state(self) -> tuple[list[Segment], int]:
        """For a snapshot."""
        return self.names, self.folded_rows

    def load(self, names: list[Segment], folded_rows: int) -> None:
        """Go on from `state`."""
        self.names, self.folded_rows = names, folded_rows
        self._ids = {segment: number for number, segment in enumerate(names)}

    def find(self, segment: Segment, rows: int) -> int:
        """Number of a segment.

        Args:
            segment: labels in the order of `SEGMENT_COLUMNS`.
            rows: how many rows it stands for.
        """
        found = self._ids.get(segment)
        if found is not None:
            return found
        kept = self._fold(segment)
        if kept is not segment:
            self.folded_rows += rows
        return self._number(kept)

    def _fold(self, segment: Segment) -> Segment:
        if len(self.names) < self._limit:
            return segment
        agent, version, environment, kind, _, _ = segment
        folded = (agent, version, environment, kind, OTHER, OTHER)
        if folded in self._ids or len(self.names) < 2 * self._limit:
            return folded
        # Two partitions must not share a key of the table.
        return (f"{OTHER}-{self._partition}", *[OTHER] * 5)

    def _number(self, segment: Segment) -> int:
        if segment not in self._ids:
            self._ids[segment] = len(self.names)
            self.names.append(segment)
        return self._ids[segment]
