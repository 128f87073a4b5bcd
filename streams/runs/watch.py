"""What does RUNS look for while a run is open? Loops of tool calls."""

import numpy as np
import pyarrow as pa

from schemas.alert import Alert
from streams.runs.attribution import Attribution
from streams.runs.loops import Loop
from streams.runs.params import Params
from streams.runs.steps import Ints, Steps
from streams.runs.table import Run, RunTable


class Watch:
    """Keeps counts in the runs; what it finds waits in `loops` and `alerts` to be sent.

    Attributes:
        loops: with the time at which their run closed, 0 while it is open.
        alerts: to be sent at once.
    """

    def __init__(self, table: RunTable, attribution: Attribution, params: Params) -> None:
        self._table = table
        self._attribution = attribution
        self._params = params
        self.loops: list[tuple[Loop, int]] = []
        self.alerts: list[Alert] = []

    def look(self, steps: Steps, slots: Ints, counted: Ints, now_ns: int, event_clock: bool) -> None:
        """Take the new, ended steps of a frame."""
        calls = steps.batch.column("tool_call_hash")
        if calls.null_count == len(calls):
            return
        rows = counted[np.asarray(calls.is_valid().to_numpy(zero_copy_only=False))[counted]]
        hashes = calls.take(pa.array(rows)).to_pylist()
        for row, slot, call in zip(rows.tolist(), slots[rows].tolist(), hashes, strict=True):
            run = self._table.run(slot)
            run.calls[call] = count = run.calls.get(call, 0) + 1
            if count == self._params.loop_calls:
                # With the event clock the step's own end is finer than the frame's time.
                at_ns = max(int(steps.end_ns[row]), int(steps.start_ns[row])) if event_clock else now_ns
                self._found(steps, row, run, call, at_ns)

    def close(self, run: Run, now_ns: int) -> None:
        """The run has closed, and its loops with it."""
        self.loops += [(loop, max(now_ns, loop.opened_ns)) for loop in run.loops]

    def _found(self, steps: Steps, row: int, run: Run, call: int, at_ns: int) -> None:
        loop = Loop(
            namespace=self._params.namespace,
            run_id=run.run_id,
            agent_name=self._attribution.agent(run, steps.event_ids[row])[0],
            step_name=steps.batch.column("step_name")[row].as_py(),
            call=call,
            opened_ns=at_ns,
            calls=self._params.loop_calls,
        )
        run.loops.append(loop)
        self.loops.append((loop, 0))
        self.alerts.append(loop.alert())
