"""What do the commands of `wakeline dashboards` do and print? One line an item, then a sum."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from dashboards.alerts.objectives import BadObjectives, Objectives, load_objectives
from dashboards.provisioning import provisioning_files
from dashboards.publish.alerting import MissingVariable
from dashboards.publish.check import grafana_findings, local_findings, require_plugin
from dashboards.publish.client import BadAddress, Grafana
from dashboards.publish.export import write_export
from dashboards.publish.item import Item, State
from dashboards.publish.items import Publication, committed_dashboards, items_of
from dashboards.publish.leftovers import leftovers
from dashboards.publish.publish import Action, Decision, difference, plan, publish
from dashboards.source import FOLDER_UID, PASSWORD_VARIABLE, Source
from streams.settings import PREFIX, ConfigError

URL_VARIABLE = f"{PREFIX}GRAFANA_URL"
TOKEN_VARIABLE = f"{PREFIX}GRAFANA_TOKEN"
EXIT_DIFFERENT = 1
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.OVERWRITE: "overwritten",
    Action.NOTHING: "unchanged",
}
_TO_DO = {**_DONE, Action.CREATE: "to create", Action.UPDATE: "to update", Action.OVERWRITE: "to overwrite"}


@dataclass(frozen=True)
class Where:
    """Which Grafana, and who asks.

    Attributes:
        url: of Grafana.
        token_file: with the token of a service account; None takes it from the environment.
        timeout_s: for an answer.
        environment: of the process.
    """

    url: str | None
    token_file: Path | None
    timeout_s: float
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)


def connect(where: Where, err: TextIO) -> Grafana:
    """A client; says so on `err` where the token would travel in the open.

    Raises:
        ConfigError: address or token is missing, cannot be read, or cannot be used.
    """
    if not where.url:
        raise ConfigError(f"Which Grafana? Name it with --grafana URL or {URL_VARIABLE}")
    try:
        grafana = Grafana(where.url, _token(where), where.timeout_s)
    except BadAddress as error:
        raise ConfigError(str(error)) from error
    parts = urlsplit(where.url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        err.write(f"The token goes to {parts.hostname} in the open: use https where you can\n")
    return grafana


def objectives_in(file: Path | None) -> Objectives:
    """Objectives of a file.

    Raises:
        ConfigError: it cannot be used.
    """
    try:
        return load_objectives(file)
    except BadObjectives as error:
        raise ConfigError(str(error)) from error


def source_at(url: str, database: str, user: str) -> Source:
    """ClickHouse as Grafana reaches it.

    Raises:
        ConfigError: the URL is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"--source cannot be read: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--source must begin with http:// or https:// and name a host: {url!r}")
    secure = parts.scheme == "https"
    return Source(parts.hostname, port or (8443 if secure else 8123), secure, user, database)


def run_publish(
    grafana: Grafana, publication: Publication, out: TextIO, *, force: bool, secrets: bool
) -> int:
    """Write what is not as it should be.

    Returns:
        0; 1 when something was left alone.

    Raises:
        ConfigError: a contact point's secret is missing.
        GrafanaRefused, GrafanaUnavailable: what was written until then stays.
    """
    items = _items(publication)
    require_plugin(grafana)
    if publication.source is not None and not publication.password:
        out.write(f"No password for {publication.source.user} is known: {PASSWORD_VARIABLE} would name it\n")
    decisions = publish(
        grafana, items, force=force, secrets=secrets, told=lambda decision: _tell(decision, _DONE, out)
    )
    _tell_leftovers(grafana, items, out)
    written, left = _count(decisions)
    if not written and not left:
        out.write(f"Nothing to write: all {len(decisions)} are as they should be.\n")
        return 0
    out.write(f"{written} written, {len(decisions) - written - left} unchanged, {left} left alone.\n")
    out.write(f"They are at {grafana.address}/dashboards/f/{FOLDER_UID}\n")
    if any(decision.found.state is State.FOREIGN for decision in decisions if not decision.writes):
        out.write("wakeline dashboards diff shows what was changed by hand; --force overwrites it.\n")
    return EXIT_DIFFERENT if left else 0


def run_diff(grafana: Grafana, publication: Publication, out: TextIO) -> int:
    """Show what a publication would change; writes nothing.

    Returns:
        0 when nothing differs, else 1.
    """
    items = _items(publication)
    decisions = []
    for decision in plan(grafana, items):
        decisions.append(decision)
        _tell(decision, _TO_DO, out)
        for line in difference(decision):
            out.write(f"    {line}\n")
    _tell_leftovers(grafana, items, out)
    written, left = _count(decisions)
    out.write(
        f"{written} to write, {left} to leave alone, {len(decisions) - written - left} as they should be.\n"
    )
    return EXIT_DIFFERENT if written or left else 0


def run_export(grafana: Grafana, folder: Path, out: TextIO) -> int:
    """Write what Grafana holds into a folder.

    Raises:
        ConfigError: the folder cannot be written.
    """
    try:
        written = write_export(grafana, folder)
    except OSError as error:
        raise ConfigError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    for path in written:
        out.write(f"{path}\n")
    out.write(f"{len(written)} files. Grafana hides passwords and tokens, but shows addresses of webhooks.\n")
    return 0


def run_check(grafana: Grafana | None, objectives: Objectives, out: TextIO) -> int:
    """Look at what would be published, and, where one is named, at Grafana.

    Returns:
        0; 1 when something is wrong.
    """
    well = True
    for findings in (local_findings(objectives), grafana_findings(grafana) if grafana else ()):
        for finding in findings:
            well &= finding.ok
            out.write(f"{'ok' if finding.ok else 'WRONG':6} {finding.what:12} {finding.text}\n")
    if grafana is None:
        out.write(f"Grafana was not asked: name it with --grafana URL or {URL_VARIABLE}.\n")
    return 0 if well else EXIT_DIFFERENT


def run_files(folder: Path, objectives: Objectives, source: Source, out: TextIO) -> int:
    """Write provisioning files and dashboards for a Grafana that reads files.

    Raises:
        ConfigError: the folder cannot be written.
    """
    from dashboards.builder import to_json

    files = {
        Path("provisioning") / name: text for name, text in provisioning_files(objectives, source).items()
    }
    boards = {Path("dashboards") / f"{uid}.json": to_json(one) for uid, one in committed_dashboards().items()}
    for path, text in (files | boards).items():
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{target} cannot be written: {error.strerror}") from error
        out.write(f"{target}\n")
    out.write("Mount provisioning at /etc/grafana/provisioning, dashboards where its provider says.\n")
    return 0


def reader_password(environment: Mapping[str, str], local: str) -> str:
    """Of the user that may only read: the environment's, else that of a local engine."""
    return environment.get(PASSWORD_VARIABLE) or local


def _token(where: Where) -> str:
    if where.token_file is not None:
        try:
            return where.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ConfigError(f"The token's file {where.token_file} cannot be read: {reason}") from error
    token = where.environment.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise ConfigError(
            "No token: make a service account in Grafana (Administration, Users and access) with the role "
            f"Admin, and put its token into {TOKEN_VARIABLE} or a file (--token-file)"
        )
    return token


def _items(publication: Publication) -> list[Item]:
    items = items_of(publication)
    try:
        for item in items:
            _ = item.wanted  # a secret that is missing is told before anything is written
    except MissingVariable as error:
        raise ConfigError(str(error)) from error
    return items


def _tell(decision: Decision, words: Mapping[Action, str], out: TextIO) -> None:
    said = words.get(decision.action)
    if said is None:
        said = (
            "left alone: it is provisioned from files of the server"
            if decision.found.state is State.FILE
            else f"left alone. {decision.found.why}"
        )
    elif decision.action is Action.OVERWRITE:
        said = f"{said}. {decision.found.why}"
    out.write(f"{decision.item.kind:14} {decision.item.name:28} {said}\n")
    out.flush()


def _tell_leftovers(grafana: Grafana, items: Sequence[Item], out: TextIO) -> None:
    for kind, name in leftovers(grafana, items):
        out.write(f"{kind:14} {name:28} of a former version: delete it in Grafana when nobody needs it\n")


def _count(decisions: Sequence[Decision]) -> tuple[int, int]:
    """How many are written, and how many left alone."""
    left = sum(decision.action is Action.LEAVE for decision in decisions)
    return sum(decision.writes for decision in decisions), left
