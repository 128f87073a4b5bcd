"""What of Faust do we use? Group membership, fetching and handing over; its offsets are not ours.

State decides, Kafka's position is a hint, and Faust never commits: see `streams.faust_shell`.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from typing import Any

import faust
import structlog
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import CrashingSupervisor

from streams.held import Held
from streams.settings import Settings

log = structlog.get_logger()

COMMIT_S = 5.0


class Consumer(driver.Consumer):
    """Faust's consumer without its offsets."""

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        return False

    force_commit = commit

    def ack(self, message: Any) -> bool:
        """Mark a message as done, and nothing else: Faust's own list of what was acked would only grow."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        waiter = self._waiting_for_ack
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps are the guard's business."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """The watchdog judges; Faust would log an error every few seconds: its own offsets never move."""

    async def perform_seek(self) -> None:
        """Go to the offsets that the processors expect; restoring was done before, so this is quick."""
        held: dict[TP, Held] = self.app.wakeline_held  # type: ignore[attr-defined]  # our App, see below
        wanted = {tp: held[tp].next for tp in self.assignment() if tp in held}
        if wanted:
            await self.seek_wait(wanted)


class Transport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = Consumer


class App(faust.App):
    """A Faust app whose consumer is ours; `wakeline_held` is what it stands on."""

    wakeline_held: dict[TP, Held]

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)


def make_app(settings: Settings, group: str, held: dict[TP, Held]) -> App:
    """An app of a consumer group, standing on `held`."""
    app = App(
        group,
        broker=[f"kafka://{server.strip()}" for server in settings.kafka.split(",")],
        store="memory://",
        cache="memory://",
        datadir=tempfile.gettempdir(),  # nothing is written there
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=1_048_576,
        stream_buffer_maxsize=64,
        stream_wait_empty=False,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        broker_max_poll_interval=864_000.0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_group_instance_id=settings.instance,
        agent_supervisor=CrashingSupervisor,
    )
    app.wakeline_held = held
    return app


async def commit(app: App, offsets: Mapping[TP, int]) -> None:
    """Commit offsets for lag tools; a refusal is only logged, because nothing depends on it."""
    thread = app.consumer._thread  # type: ignore[attr-defined]  # Faust's own commit would crash on a refusal
    mine = {driver.ensure_aiokafka_TP(tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
    try:
        await asyncio.wait_for(thread.call_thread(thread._ensure_consumer().commit, mine), COMMIT_S)
    except (KafkaError, TimeoutError) as error:
        log.info("Offsets were not committed; the next snapshot's will be", reason=repr(error))
