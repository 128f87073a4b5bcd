"""Twenty million steps of a fleet, made inside the engine: what the cost of queries is measured on.

Every step is stored twice, as OpenTelemetry makes it: as emitted, mostly without an agent, and corrected. The
older half is merged to one row a step; of the newer half, which dashboards ask for, nothing is. Windows,
runs and readings are made from the corrected steps as DRIFT and RUNS make them, contents, incidents, dead
letters and what arrived when in proportion. The statements stand in `query_load_sql/`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

_FOLDER = Path(__file__).parent / "query_load_sql"
SECOND_NS = 1_000_000_000
DAY_S = 86_400
# Twenty million in two weeks: 17 a second.
STEPS_A_DAY = 20_000_000 / 14
RUN_STEPS = 20
# Runs that go on at the same time.
SIDE_BY_SIDE = 64
BLOCK = RUN_STEPS * SIDE_BY_SIDE
AGENTS = 40
CHUNKS = 14
TABLES = ("steps", "contents", "runs", "windows", "readings", "incidents", "dead_letters", "arrivals")
MODELS = ("gpt-4o-mini", "gpt-4.1", "claude-sonnet-4-5", "gemini-2.5-flash")
# Within the memory of one query; a part has so many rows.
_SETTINGS = {
    "max_block_size": 65_536,
    "min_insert_block_size_rows": 400_000,
    "min_insert_block_size_bytes": 0,
    "max_bytes_before_external_group_by": 800_000_000,
    "max_execution_time": 0,
}
# Kinds and names of a run's steps, in order.
_KINDS = ("run", "agent", *("llm", "tool") * 8, "outcome", "guardrail")
_NAMES = ("run", "work", *("plan", "search", "answer", "read_file") * 4, "resolved", "pii-check")

_COUNTS = """
SELECT
    (SELECT count() FROM agent_steps),
    (SELECT sum(steps) FROM run_parts),
    (SELECT sum(steps) FROM window_parts WHERE width_s = 60),
    (SELECT sum(steps) FROM window_parts WHERE width_s = 3600)
"""

# Corrected rows of a chunk alone, each once.
_CORRECTED = """
namespace = 'live'
    AND row_version >= bitShiftLeft(toUInt64(2), 60)
    AND source_offset >= {first}
    AND source_offset < {first} + {count}
    AND time >= {since}
    AND time < {until}
"""


@dataclass(frozen=True)
class Load:
    """What is made.

    Attributes:
        steps: distinct ones.
        end_s: of the newest, Unix seconds.
    """

    steps: int
    end_s: int

    @property
    def days(self) -> float:
        """That they are spread over: fewer steps are a shorter history, as dense."""
        return self.steps / STEPS_A_DAY

    @property
    def start_ns(self) -> int:
        """Of the oldest step."""
        return self.end_s * SECOND_NS - int(self.days * DAY_S * SECOND_NS)

    @property
    def spacing_ns(self) -> float:
        """Between a step and the next."""
        return DAY_S * SECOND_NS / STEPS_A_DAY

    def moment(self, step: int) -> str:
        """When a step begins, as an expression."""
        return f"fromUnixTimestamp64Nano({self.start_ns} + toInt64({step} * {self.spacing_ns!r}), 'UTC')"

    def chunks(self) -> Iterator[tuple[int, int]]:
        """First step and number of steps of each; runs are whole."""
        blocks = self.steps // BLOCK
        for number in range(CHUNKS):
            first, end = (BLOCK * (blocks * place // CHUNKS) for place in (number, number + 1))
            yield first, end - first


def fill(client: Client, load: Load, progress: Callable[[int], None]) -> None:
    """Make everything. The older half is merged, the newer one stays in the parts that it came in.

    Args:
        client: of a user that may write, with the tables.
        load: what is made.
        progress: called with the number of chunks done, of `CHUNKS`.
    """
    for number, (first, count) in enumerate(load.chunks()):
        if number == CHUNKS // 2:
            _merge_and_stop_merging(client)
        _fill_chunk(client, load, first, count)
        progress(number + 1)


def check(client: Client, load: Load) -> None:
    """Steps, runs and windows must tell of the same steps, each once.

    Raises:
        RuntimeError: they do not.
    """
    expected = sum(count for _, count in load.chunks())
    found = client.query(_COUNTS, settings={"max_execution_time": 0}).result_rows[0]
    if set(found) != {expected}:
        raise RuntimeError(f"Of {expected} steps there are {found} in steps, runs, minutes and hours")


def _fill_chunk(client: Client, load: Load, first: int, count: int) -> None:
    names = {
        "first": first,
        "count": count,
        "start_ns": load.start_ns,
        "spacing_ns": repr(load.spacing_ns),
        "half": load.steps // 2,
        "block": BLOCK,
        "side_by_side": SIDE_BY_SIDE,
        "run_steps": RUN_STEPS,
        "agents": AGENTS,
        "kinds": list(_KINDS),
        "names": list(_NAMES),
        "models": list(MODELS),
    }
    names |= {"since": load.moment(first), "until": load.moment(first + count)}
    names["corrected"] = _CORRECTED.format(**names)

    def run(name: str, **own: object) -> None:
        sql = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
        client.command(sql.format(**names, **own), settings=_SETTINGS)

    for is_corrected in ("false", "true"):
        run("steps", is_corrected=is_corrected)
    # What is sent again while it changes: rows of a lower version lie beside those of the last.
    for version in (1, 2):
        for width_s in (60, 3_600):
            run("windows", version=version, width_s=width_s)
        for name in ("runs", "incidents", "contents", "readings", "dead_letters", "arrivals"):
            run(name, version=version)


def _merge_and_stop_merging(client: Client) -> None:
    for table in TABLES:
        client.command(f"OPTIMIZE TABLE {table} FINAL", settings={"max_execution_time": 0})
        client.command(
            f"ALTER TABLE {table} MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, "
            "max_bytes_to_merge_at_min_space_in_pool = 1"
        )
