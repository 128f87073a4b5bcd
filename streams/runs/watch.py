"""What does RUNS look for in single steps? Loops of tool calls, and the outcome of the run."""

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
        if calls.null_count < len(calls):
            hashes = calls.to_pylist()
            for row in counted.tolist():
                if hashes[row] is not None:
                    # With the event clock the step's own end is finer than the frame's time.
                    at_ns = max(int(steps.end_ns[row]), int(steps.start_ns[row])) if event_clock else now_ns
                    self._count(steps, row, self._table.run(int(slots[row])), hashes[row], at_ns)
        outcomes = steps.batch.column("outcome_name")
        if outcomes.null_count < len(outcomes):
            self._note_outcomes(steps, slots, counted)

    def close(self, run: Run, now_ns: int) -> None:
        """The run has closed, and its loops with it."""
        self.loops += [(loop, max(now_ns, loop.opened_ns)) for loop in run.loops]

    def _count(self, steps: Steps, row: int, run: Run, call: int, at_ns: int) -> None:
        run.calls[call] = run.calls.get(call, 0) + 1
        if run.calls[call] != self._params.loop_calls:
            return
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

    def _note_outcomes(self, steps: Steps, slots: Ints, counted: Ints) -> None:
        names, successes, values = (
            steps.batch.column(f"outcome_{part}").to_pylist() for part in ("name", "success", "value")
        )
        for row in counted.tolist():
            if names[row] is None:
                continue
            run = self._table.run(int(slots[row]))
            place = (int(steps.start_ns[row]), steps.event_ids[row])
            if run.outcome is None or place > run.outcome[:2]:
                run.outcome = (*place, names[row], successes[row], values[row])
