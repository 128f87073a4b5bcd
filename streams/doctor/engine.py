"""Is ClickHouse there, current, and with room; and what did the last hour bring that should not be?"""

import time
from typing import TYPE_CHECKING

from streams.clickhouse import ClickHouseUnavailable, connect
from streams.doctor.findings import Finding, failed, ok, size, warning
from streams.migrate import MigrationChanged, pending
from streams.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

FREE_WARNING = 0.15
FREE_FAILED = 0.05
TIMEOUT_S = 15


class Engine:
    """The checks of one ClickHouse.

    Attributes:
        ahead_s: its clock less ours, once `check` has run; None before, and when it did not answer.
    """

    def __init__(self, settings: Settings) -> None:
        """Connects in `check`."""
        self._settings = settings
        self.ahead_s: float | None = None

    def check(self) -> list[Finding]:
        """All checks; one alone when nobody answers."""
        try:
            client = connect(self._settings, with_database=False, timeout_s=TIMEOUT_S)
        except ClickHouseUnavailable as error:
            return [
                failed(
                    "engine",
                    f"{str(error).split('. `wakeline')[0]}. WRITE waits; alarms go on without it.",
                    "Start it (`wakeline up` on one machine), or set clickhouse_url, user and password.",
                )
            ]
        from clickhouse_connect.driver.exceptions import Error

        try:
            return self._all(client)
        except Error as error:
            return [failed("engine", f"ClickHouse fails: {str(error)[:300]}", "See ClickHouse's own log.")]
        finally:
            client.close()

    def _all(self, client: "Client") -> list[Finding]:
        before_s = time.time()
        [(version, now_s)] = client.query("SELECT version(), toFloat64(now64(6))").result_rows
        self.ahead_s = float(now_s) - (before_s + time.time()) / 2
        found = [ok("engine", f"ClickHouse {version} answers at {self._settings.clickhouse_url}.")]
        found += self._disks(client)
        tables = self._tables(client)
        found.append(tables)
        if not tables.do:
            found += [self._letters(client), self._drops(client)]
        return found

    def _tables(self, client: "Client") -> Finding:
        try:
            left = pending(client, self._settings.clickhouse_database)
        except MigrationChanged as error:
            return failed("tables", f"{error}.", "Use the version that migrated last, or a newer one.")
        if left:
            return failed(
                "tables",
                f"{len(left)} migration(s) are missing in {self._settings.clickhouse_database}, the first is "
                f"{left[0].title}.",
                "Run `wakeline migrate` before the workers.",
            )
        return ok("tables", f"The database {self._settings.clickhouse_database} is at this version.")

    def _disks(self, client: "Client") -> list[Finding]:
        rows = client.query("SELECT name, free_space, total_space FROM system.disks").result_rows
        return [
            judge_room(f"disk {name} of the engine", int(free), int(total))
            for name, free, total in rows
            if total
        ]

    def _letters(self, client: "Client") -> Finding:
        rows = client.query(
            f"SELECT reason, count() FROM {self._settings.clickhouse_database}.dead_letters FINAL "
            "WHERE namespace = {namespace:String} AND append_time > now() - INTERVAL 1 HOUR "
            "GROUP BY reason ORDER BY count() DESC",
            parameters={"namespace": self._settings.namespace},
        ).result_rows
        if not rows:
            return ok("dead letters", "None in the last hour.")
        said = ", ".join(f"{count} {reason}" for reason, count in rows)
        ours = any(reason == "internal" for reason, _ in rows)
        do = '`wakeline sql "SELECT detail, payload FROM agent_dead_letters LIMIT 10"` shows who sends what.'
        if ours:
            do = "`internal` is a bug of ours: report it, with the payload from agent_dead_letters."
        return warning("dead letters", f"In the last hour: {said}.", do)

    def _drops(self, client: "Client") -> Finding:
        [(dropped, runs)] = client.query(
            "SELECT toInt64(sum(ifNull(dropped_events, 0))), uniqExact(agent_name) "
            f"FROM {self._settings.clickhouse_database}.steps FINAL "
            "WHERE namespace = {namespace:String} AND append_time > now() - INTERVAL 1 HOUR "
            "AND dropped_events > 0",
            parameters={"namespace": self._settings.namespace},
        ).result_rows
        if not dropped:
            return ok("drops", "No emitter reported drops in the last hour.")
        return warning(
            "drops",
            f"Emitters of {runs} agent(s) dropped {dropped} event(s) in the last hour: their queue was full, "
            "or Kafka away for longer than it lasts.",
            "See that agents reach Kafka; give the emitter a longer queue.",
        )


def judge_room(check: str, free: int, total: int) -> Finding:
    """Is there room on a disk?

    Args:
        check: its name.
        free: bytes.
        total: bytes, above 0.
    """
    share = free / total
    said = f"{size(free)} of {size(total)} are free ({share:.0%})"
    if share >= FREE_WARNING:
        return ok(check, f"{said}.")
    do = "Make room or add disk; a full one stops writes until there is some, and nothing is lost meanwhile."
    return (warning if share >= FREE_FAILED else failed)(check, f"{said}.", do)
