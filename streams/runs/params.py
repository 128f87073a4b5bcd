"""What can be set of RUNS? Times are of the partition's clock."""

from dataclasses import dataclass

SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Params:
    """Parameters of RUNS.

    Attributes:
        namespace: goes into the ids of incidents.
        loop_calls: so many identical tool calls in one run are a loop.
        close_after_root_ns: a run closes when its root has ended and nothing has come for so long.
        close_after_silence_ns: or, without an end of its root, after so long a silence.
        unsure_ns: how long a step waits for an ancestor that names its agent.
        send_every_ns: a changed run is sent again after so long while it is open.
        remember_ns: how long a closed run is remembered, so that repeats are known and late steps added.
        remember_rows: bound on the rows kept for that, 1.2 kB each; the oldest closed runs go first.
        max_steps_per_run: steps of a run whose ids and rows are remembered, 1 kB each. Steps beyond it are
            still in sums and windows, but a repeat of them under another offset counts again, and they are in
            no path and no share.
        max_open_runs: of a partition; of more, those that were silent longest close early.
    """

    namespace: str
    loop_calls: int = 10
    close_after_root_ns: int = 10 * SECOND_NS
    close_after_silence_ns: int = 30 * 60 * SECOND_NS
    unsure_ns: int = 30 * SECOND_NS
    send_every_ns: int = 5 * SECOND_NS
    remember_ns: int = 30 * 60 * SECOND_NS
    remember_rows: int = 100_000
    max_steps_per_run: int = 100_000
    max_open_runs: int = 100_000
