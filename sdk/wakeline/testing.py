"""How does an agent's own test see what would be emitted? An emitter that keeps events instead of sending."""

import json
from typing import Any

from wakeline.emitter import Delivery, Emitter
from wakeline.options import Options
from wakeline.outbox import Outbox
from wakeline.recorder import Recorder


class CollectingEmitter(Emitter):
    """An `Emitter` that needs no Kafka; made by `collecting_emitter`."""

    def _make_sender(self, _options: Options, outbox: Outbox, recorder: Recorder) -> Delivery:
        self._keeper = _Keeper(outbox, recorder)
        return self._keeper

    @property
    def lines(self) -> list[bytes]:
        """All events so far as they would be sent, in the order in which they were emitted."""
        self._keeper.keep()
        return list(self._keeper.lines)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The same, decoded."""
        return [json.loads(line) for line in self.lines]

    def announce(self) -> None:
        """Do what the sender's thread does before each round: emit `started` events that are due."""
        self._recorder.announce()


def collecting_emitter(**options: Any) -> CollectingEmitter:
    """An emitter that keeps its events; the environment is not looked at.

    Args:
        options: of `Emitter`.

    Example:
        >>> emitter = collecting_emitter(agent_name="support")
        >>> with emitter.run():
        ...     with emitter.tool_call("search"):
        ...         pass
        >>> [(event["kind"], event["agent_name"]) for event in emitter.events]
        [('tool', 'support'), ('run', 'support')]
    """
    return CollectingEmitter("kept.invalid:9092", **({"environ": {}} | options))


class _Keeper:
    def __init__(self, outbox: Outbox, recorder: Recorder) -> None:
        self._outbox = outbox
        self._recorder = recorder
        self.lines: list[bytes] = []

    @property
    def abandoned(self) -> None:
        return None

    def start(self) -> None:
        """There is no thread."""

    def reset(self) -> None:
        self.lines = []

    def keep(self) -> None:
        for item in self._outbox.take():
            self.lines.append(item.data)
            self._outbox.settle(1, len(item.data), None)

    def close(self, _timeout_s: float) -> bool:
        self.keep()
        for reason, count in self._outbox.take_unreported().items():
            self.lines.append(self._recorder.make_report(reason, count).data)
        return True
