"""A fleet's rows at a moment, and the same as arrays: what queries say is compared with sums of these."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from clickhouse_connect.driver.client import Client

from schemas.columns import Kind
from streams.windows.buckets import bucket_of
from tests.sql.rows import HOUR_NS, insert

AGENTS = ("planner", "coder", "it's", "x\\') OR ('1'='1")
ENVIRONMENTS = ("prod", "", "o'hare")
STEPS = (("llm", "chat"), ("tool", "search"), ("agent", "agent"))
RUNS, STEPS_A_RUN = 300, 12
# Runs begin within these hours, and steps within a quarter of one after.
HOURS = 5.5

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fleet:
    """Steps in columns; runs by `run`.

    Attributes:
        start_ns: of the seeded range; a whole hour.
        run: number of each step's run; likewise `agent`, `environment`, `what` index the names above.
        outcome: of each run: -1 none, else 0 or 1.
    """

    start_ns: int
    run: Ints
    agent: Ints
    environment: Ints
    what: Ints
    time: Ints
    duration_ns: Ints
    tokens_in: Ints
    cached: Ints
    tokens_out: Ints
    cost_pico: Ints
    unpriced: Ints
    error: Ints
    outcome: Ints

    @property
    def leaf(self) -> npt.NDArray[np.bool_]:
        """Steps that contain no others."""
        return np.asarray(self.what != 2, np.bool_)

    def windows(self, width_s: int) -> Iterator[dict[str, Any]]:
        """Rows as DRIFT would send them, each in two epochs."""
        epoch = np.arange(len(self.run)) % 2
        window = self.time // (width_s * 10**9)
        keys = np.stack([window, self.agent, self.environment, self.what, epoch], axis=1)
        for key in np.unique(keys, axis=0):
            of = (keys == key).all(axis=1)
            buckets, counts = np.unique(bucket_of(self.duration_ns[of]), return_counts=True)
            kind, step = STEPS[key[3]]
            start_ns = int(key[0]) * width_s * 10**9
            yield {
                "width_s": width_s,
                "window_start": start_ns,
                "epoch_start": start_ns + int(key[4]),
                "agent_name": AGENTS[key[1]],
                "environment": ENVIRONMENTS[key[2]],
                "kind": kind,
                "step_name": step,
                "steps": int(of.sum()),
                "errors": int(self.error[of].sum()),
                "input_tokens": int(self.tokens_in[of].sum()),
                "cache_read_input_tokens": int(self.cached[of].sum()),
                "output_tokens": int(self.tokens_out[of].sum()),
                "cost_pico_usd": int(self.cost_pico[of].sum()),
                "unpriced_steps": int(self.unpriced[of].sum()),
                "durations": int(of.sum()),
                "duration_ns": int(self.duration_ns[of].sum()),
                "duration_buckets": list(zip(buckets.tolist(), counts.tolist(), strict=True)),
            }

    def runs(self) -> Iterator[dict[str, Any]]:
        """A row a run."""
        for run in range(RUNS):
            of = self.run == run
            end_ns = int((self.time[of] + self.duration_ns[of]).max())
            yield {
                "run_id": f"run-{run}",
                "part": run,
                "state": "closed",
                "opened_time": int(self.time[of].min()),
                "start_time": int(self.time[of].min()),
                "end_time": end_ns,
                "append_time": end_ns if end_ns > self.start_ns else self.start_ns,
                "agent_name": AGENTS[self.agent[of][0]],
                "environment": ENVIRONMENTS[self.environment[of][0]],
                "steps": int(of.sum()),
                "errors": int(self.error[of].sum()),
                "input_tokens": int(self.tokens_in[of].sum()),
                "output_tokens": int(self.tokens_out[of].sum()),
                "cost_pico_usd": int(self.cost_pico[of].sum()),
                "outcome_name": "solved" if self.outcome[run] >= 0 else None,
                "outcome_success": bool(self.outcome[run]) if self.outcome[run] >= 0 else None,
            }

    def incidents(self) -> list[dict[str, Any]]:
        """One open, one confirmed and open, one confirmed and over, one false."""
        hours = ((1, None, "open"), (2, None, "confirmed"), (3, 4, "confirmed"), (2, 3, "closed"))
        return [
            {
                "incident_id": f"i{number}",
                "opened_time": self.start_ns + opened * HOUR_NS,
                "closed_time": None if closed is None else self.start_ns + closed * HOUR_NS,
                "state": state,
                "agent_name": AGENTS[0],
                "step_name": "chat",
                "signal": "duration",
                "summary": f"incident {number}",
            }
            for number, (opened, closed, state) in enumerate(hours)
        ]


def make_fleet(start_ns: int, seed: int) -> Fleet:
    """A fleet whose runs begin within `HOURS` of `start_ns`."""
    rng = np.random.default_rng(seed)
    count = RUNS * STEPS_A_RUN
    run = np.repeat(np.arange(RUNS), STEPS_A_RUN)
    what = np.tile(np.arange(STEPS_A_RUN), RUNS) % len(STEPS)
    began = np.sort(rng.integers(0, int(HOURS * HOUR_NS), RUNS))
    billed = what == 0
    tokens_in = np.where(billed, rng.integers(1_000, 90_000, count), 0)
    return Fleet(
        start_ns=start_ns,
        run=run,
        agent=np.repeat(rng.integers(0, len(AGENTS), RUNS), STEPS_A_RUN),
        environment=np.repeat(rng.integers(0, len(ENVIRONMENTS), RUNS), STEPS_A_RUN),
        what=what,
        time=start_ns + np.repeat(began, STEPS_A_RUN) + rng.integers(0, HOUR_NS // 4, count),
        duration_ns=np.maximum(rng.lognormal(20.5, 1.5, count).astype(np.int64), 32_000),
        tokens_in=tokens_in,
        cached=tokens_in // 3,
        tokens_out=np.where(billed, rng.integers(10, 9_000, count), 0),
        cost_pico=np.where(billed, rng.integers(0, 10**11, count), 0),
        unpriced=(billed & (rng.random(count) < 0.03)).astype(np.int64),
        error=(rng.random(count) < 0.04).astype(np.int64),
        outcome=rng.integers(-1, 2, RUNS),
    )


def seed(client: Client, fleet: Fleet, namespace: str) -> None:
    """Insert its windows of both widths, runs and incidents."""
    for width_s in (60, 3_600):
        insert(client, Kind.WINDOWS, list(fleet.windows(width_s)), namespace=namespace)
    insert(client, Kind.RUNS, list(fleet.runs()), namespace=namespace)
    insert(client, Kind.INCIDENTS, fleet.incidents(), namespace=namespace)
