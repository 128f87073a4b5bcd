"""Which threads wait for the database? A few that no process waits for when it ends.

Those of `ThreadPoolExecutor` are joined when Python ends: a viewer that is told to stop would first wait for
every statement that is running.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Work = tuple[Future[Any], Callable[[], Any]]


class WaitingThreads(Executor):
    """Runs work in the order in which it came; what is cancelled before its turn is not begun."""

    def __init__(self, count: int) -> None:
        """Starts the threads.

        Args:
            count: how many pieces of work at once.
        """
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._count = count
        self._is_stopped = False
        for number in range(count):
            threading.Thread(target=self._run, name=f"viewer-{number}", daemon=True).start()

    def submit(
        self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        """Wait in line."""
        future: Future[Result] = Future()
        self._queue.put((future, lambda: fn(*args, **kwargs)))
        return future

    def stop(self) -> None:
        """End each thread after its work, without waiting; what is in line is not begun."""
        self._is_stopped = True
        for _ in range(self._count):
            self._queue.put(None)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            future, call = work
            if self._is_stopped:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
                future.set_exception(error)
            else:
                future.set_result(result)
