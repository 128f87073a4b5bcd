"""What does one target still have to get, and when? A queue, a schedule and a thread for each.

A target waits for nobody but itself, so a dead endpoint delays no other. What it gets is durable already
(a `failed` record in `deliveries`); it only reports what became of it.
"""

import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from schemas.alert import Delivery
from streams.notify.deliveries import Place
from streams.notify.post import TIMEOUT_S, Endpoint
from streams.notify.schedule import SCHEDULE_S, Answer, Verdict, judge, next_attempt_s

log = structlog.get_logger()

# 10,000 alerts of 1 kB are 10 MB. Who has more waiting at one target has lost its attention long ago.
WAITING_LIMIT = 10_000
DISABLED = "the endpoint answered 410 Gone; it is asked again after a restart"


@dataclass(order=True)
class Task:
    """One alert for one target.

    Attributes:
        due_s: of the next attempt, Unix seconds.
        number: breaks ties in order of arrival.
        alert_id: the idempotency key.
        place: of the alert.
        body: what is posted; shared by all targets.
        attempts: so far.
    """

    due_s: float
    number: int
    alert_id: str = field(compare=False)
    place: Place = field(compare=False)
    body: bytes = field(compare=False)
    attempts: int = field(compare=False, default=0)


Report = Callable[[Delivery, Place], None]


class Target:
    """Sends to one endpoint from a thread of its own."""

    def __init__(
        self,
        endpoint: Endpoint,
        report: Report,
        schedule_s: tuple[float, ...] = SCHEDULE_S,
        limit: int = WAITING_LIMIT,
    ) -> None:
        """Start the thread.

        Args:
            endpoint: where to.
            report: called from the thread with each outcome; it returns when that is durable.
            schedule_s: pauses before each attempt.
            limit: so many wait at most; beyond it the one that has waited longest is given up.
        """
        self._endpoint = endpoint
        self._report = report
        self._schedule_s = schedule_s
        self._limit = limit
        self._heap: list[Task] = []
        self._held_until_s = 0.0
        self._disabled = False
        self._stopping = False
        self._number = 0
        self._changed = threading.Condition()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"target-{self.name}", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self._endpoint.name

    @property
    def waiting(self) -> int:
        """How many alerts it has not got yet."""
        return len(self._heap)

    def add(self, alert_id: str, place: Place, body: bytes, attempts: int = 0, last_s: float = 0.0) -> None:
        """Take an alert.

        Args:
            alert_id: the idempotency key.
            place: of the alert.
            body: what is posted.
            attempts: made so far, by a process before us too.
            last_s: when the last one was made, Unix seconds.
        """
        due_s = next_attempt_s(alert_id, self.name, attempts, last_s, self._schedule_s)
        if due_s is None:
            self._give_up(alert_id, place, attempts, 0, "all attempts are used up")
            return
        with self._changed:
            self._number += 1
            heapq.heappush(self._heap, Task(due_s, self._number, alert_id, place, body, attempts))
            oldest = self._pop_oldest() if len(self._heap) > self._limit else None
            self._changed.notify()
        if oldest is not None:
            reason = f"more than {self._limit} alerts wait for this target"
            self._give_up(oldest.alert_id, oldest.place, oldest.attempts, 0, reason)

    def stop(self) -> None:
        """Send nothing more; what waits stays `failed` in `deliveries`. Then `join`."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join(self) -> None:
        """Wait for the thread, one attempt's time at most."""
        self._thread.join(TIMEOUT_S + 1)

    # -- the thread

    def _run(self) -> None:
        try:
            while (task := self._next()) is not None:
                self._try(task)
        except BaseException as error:  # noqa: BLE001 - handed to the loop, which ends the process
            self.failure = error

    def _next(self) -> Task | None:
        with self._changed:
            while not self._stopping:
                if self._heap:
                    wait_s = max(self._heap[0].due_s, self._held_until_s) - time.time()
                    if wait_s <= 0 or self._disabled:
                        return heapq.heappop(self._heap)
                    self._changed.wait(min(wait_s, 60.0))  # the wall clock may be set
                else:
                    self._changed.wait()
            return None

    def _try(self, task: Task) -> None:
        if self._disabled:
            self._give_up(task.alert_id, task.place, task.attempts, 410, DISABLED)
            return
        now_s = time.time()
        answer = self._endpoint.post(task.alert_id, task.body, now_s)
        task.attempts += 1
        verdict = judge(answer)
        if verdict is Verdict.SENT:
            self._tell("sent", task.alert_id, task.place, task.attempts, answer)
        elif verdict is Verdict.DISABLE:
            self._disabled = True
            log.error("The endpoint is gone; it gets nothing more until a restart", target=self.name)
            self._give_up(task.alert_id, task.place, task.attempts, answer.status, DISABLED)
        else:
            self._again(task, answer, verdict, now_s)

    def _again(self, task: Task, answer: Answer, verdict: Verdict, now_s: float) -> None:
        due_s = next_attempt_s(task.alert_id, self.name, task.attempts, now_s, self._schedule_s)
        if due_s is None:
            self._give_up(task.alert_id, task.place, task.attempts, answer.status, answer.detail)
            return
        log.warning(
            "An alert was not taken; it is tried again",
            target=self.name,
            alert_id=task.alert_id,
            status=answer.status,
            reason=answer.detail,
            attempts=task.attempts,
            retry_s=round(due_s - now_s),
        )
        self._tell("failed", task.alert_id, task.place, task.attempts, answer)
        if verdict is Verdict.HOLD and answer.retry_after_s is not None:
            self._held_until_s = now_s + answer.retry_after_s
        with self._changed:
            task.due_s = due_s
            heapq.heappush(self._heap, task)

    def _pop_oldest(self) -> Task:
        oldest = min(self._heap, key=lambda task: task.number)
        self._heap.remove(oldest)
        heapq.heapify(self._heap)
        return oldest

    def _give_up(self, alert_id: str, place: Place, attempts: int, status: int, detail: str) -> None:
        log.error(
            "An alert is given up", target=self.name, alert_id=alert_id, attempts=attempts, reason=detail
        )
        self._tell("given_up", alert_id, place, attempts, Answer(status, detail))

    def _tell(self, state: str, alert_id: str, place: Place, attempts: int, answer: Answer) -> None:
        self._report(
            Delivery(
                alert_id=alert_id,
                target=self.name,
                state=state,  # type: ignore[arg-type]  # one of the three words, from the calls above
                attempts=attempts,
                time_unix_ms=int(time.time() * 1_000),
                status=answer.status,
                detail="" if state == "sent" else answer.detail,
            ),
            place,
        )
