"""Which jars is Apache Kafka run from, and are they the ones we chose?

``jars.lock.json`` names every jar by Maven coordinate, size and SHA-256. On first use they are fetched
(``jgo``, from Maven Central or the user's mirror) into the user's cache folder; before every start their
hashes are compared again. Each jar is asked for by its coordinate: ``jgo.build`` would read a hundred POMs
to find out what the lock knows, and fetch a JDK 11 to sort jars into folders that we do not use.
Choosing jars is ``jars_lock.py``'s business; running them is ``kafka.py``'s.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from streams.local.errors import LocalError
from streams.local.locks import FileLock

KAFKA_VERSION = "4.4.0"
LOCK_PATH = Path(__file__).with_name("jars.lock.json")
# For each repository: the network may fail once.
_ATTEMPTS = 3


class Jar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One jar.

    Attributes:
        coordinate: ``group:artifact:version``.
        size_bytes: Its size.
        sha256: Of its bytes, in hex.
    """

    coordinate: str
    size_bytes: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The name that Maven gives it: ``artifact-version.jar``."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


class JarLock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The jars that make up the broker, in the order of the class path.

    Attributes:
        kafka: The version of Apache Kafka.
        jars: All of them, dependencies and the log binding included.
    """

    kafka: str
    jars: list[Jar]


class JarsUnavailable(LocalError):
    """The jars are not in the cache and cannot be fetched."""


class JarsDiffer(LocalError):
    """A jar, or the set of jars, is not what the lock file says."""


class _NotFetched(Exception):
    """No repository gave a jar; the message has each one's reason."""


class _Advance(Protocol):
    def __call__(self, size_bytes: int, /) -> None: ...


def load_lock() -> JarLock:
    """Return the committed lock file.

    Raises:
        JarsDiffer: It is for another version of Kafka than this code.
    """
    lock = msgspec.json.decode(LOCK_PATH.read_bytes(), type=JarLock)
    if lock.kafka != KAFKA_VERSION:
        raise JarsDiffer(f"{LOCK_PATH.name} is for Kafka {lock.kafka}, this code for {KAFKA_VERSION}.")
    return lock


def jar_folder(cache: Path, lock: JarLock) -> Path:
    """Return where the jars of a lock lie; another lock gives another folder, so an update never mixes."""
    digest = hashlib.sha256(msgspec.json.encode(lock)).hexdigest()[:12]
    return cache / f"kafka-{lock.kafka}" / digest


def ensure_jars(cache: Path, lock: JarLock, environ: Mapping[str, str], console: Console) -> list[Path]:
    """Return the verified jars, fetching them when the cache has none.

    Several processes may call this at once: one fetches, the others wait. An interrupted download is
    thrown away by the next call. Verifying 44 MB takes 0.05 s.

    Args:
        cache: Wakeline's cache folder.
        lock: Which jars.
        environ: For the message about proxies.
        console: Where progress is shown.

    Returns:
        Their paths, in the order of the lock.

    Raises:
        JarsUnavailable: They cannot be fetched.
        JarsDiffer: What lies in the cache or was fetched is not what the lock says.
    """
    folder = jar_folder(cache, lock)
    if not folder.exists():
        with FileLock(folder.with_name(folder.name + ".lock")):
            if not folder.exists():
                _fetch_all(folder, lock, environ, console)
    return verify_jars(folder, lock)


def verify_jars(folder: Path, lock: JarLock) -> list[Path]:
    """Compare a folder with the lock, hash by hash.

    Returns:
        The jars' paths, in the order of the lock.

    Raises:
        JarsDiffer: A jar is missing, changed, or not in the lock.
    """
    expected = {jar.file_name: jar for jar in lock.jars}
    present = {path.name for path in folder.iterdir()}
    advice = f"Delete {folder} and start again: it is fetched anew."
    if extra := sorted(present - expected.keys()):
        raise JarsDiffer(f"{extra[0]} does not belong to Kafka {lock.kafka} as locked. {advice}")
    if missing := sorted(expected.keys() - present):
        raise JarsDiffer(f"{missing[0]} is missing from Kafka {lock.kafka} as locked. {advice}")
    for name, jar in expected.items():
        if _sha256(folder / name) != jar.sha256:
            raise JarsDiffer(f"{name} is not the file that was locked: its SHA-256 differs. {advice}")
    return [folder / name for name in expected]


def _fetch_all(folder: Path, lock: JarLock, environ: Mapping[str, str], console: Console) -> None:
    partial = folder.with_name(folder.name + ".partial")
    # We hold the lock, so what is there was left by a download that was interrupted.
    if partial.exists():
        shutil.rmtree(partial)
    done = partial / "jars"
    done.mkdir(parents=True)
    repositories = _repositories()
    with _progress(lock, console) as advance:
        # One at a time: 4.3 s for 45 MB; four threads took 7.6 s (jgo reads 8 kB a turn under the GIL).
        for jar in lock.jars:
            try:
                _fetch(jar, repositories, partial / "maven", done)
            except _NotFetched as failure:
                raise JarsUnavailable(_advice(jar, failure, repositories, environ)) from failure
            advance(jar.size_bytes)
    verify_jars(done, lock)
    done.rename(folder)
    shutil.rmtree(partial)


def _fetch(jar: Jar, repositories: Mapping[str, str], maven: Path, done: Path) -> None:
    """Fetch one jar from the first repository that has it."""
    # Imported here: jgo is needed at the first start only, and takes 0.3 s to import.
    from jgo.maven import MavenContext
    from requests import RequestException

    group, artifact, version = jar.coordinate.split(":")
    problems: dict[str, str] = {}
    for attempt in range(_ATTEMPTS):
        time.sleep(attempt / 2)
        for name, url in repositories.items():
            context = MavenContext(repo_cache=maven / name, remote_repos={name: url})
            component = context.project(group, artifact).at_version(version)
            try:
                path: Path = component.artifact(packaging="jar").resolve()
            except RequestException as error:
                problems[name] = f"{_without_secrets(url)}: {error}"
                # jgo writes in place and would take the half of a file for the whole at the next attempt.
                if (maven / name).exists():
                    shutil.rmtree(maven / name)
            except RuntimeError:  # jgo's word for 404; its message would show the passwords in URLs
                problems[name] = f"{_without_secrets(url)}: not found there"
            else:
                _refuse_other(jar, path, url)
                path.rename(done / jar.file_name)
                return
    raise _NotFetched("; ".join(problems.values()))


def _refuse_other(jar: Jar, path: Path, url: str) -> None:
    if _sha256(path) != jar.sha256:
        raise JarsDiffer(
            f"{_without_secrets(url)} gave another {jar.file_name} than the one that was locked: its SHA-256 "
            "differs, and it is not used. Ask whoever keeps that repository, or name another in jgo.conf."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _repositories() -> dict[str, str]:
    """Maven Central and what the user's jgo.conf adds; there, ``central = URL`` names a mirror of it."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL

    return {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}


def _advice(
    jar: Jar, failure: _NotFetched, repositories: Mapping[str, str], environ: Mapping[str, str]
) -> str:
    names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
    proxies = ", ".join(name for name in names if environ.get(name)) or "none"
    return (
        f"Apache Kafka {KAFKA_VERSION} is not on this machine yet, and {jar.file_name} cannot be fetched "
        f"({failure}; repositories: {', '.join(repositories)}; proxy settings: {proxies}).\n"
        "What helps: start once with access to the network; or set HTTPS_PROXY; or name a mirror of Maven "
        "Central in ~/.config/jgo.conf ([repositories], central = URL); or use a broker that runs already: "
        "--kafka HOST:PORT."
    )


@contextmanager
def _progress(lock: JarLock, console: Console) -> Iterator[_Advance]:
    total = sum(jar.size_bytes for jar in lock.jars)
    title = f"Apache Kafka {lock.kafka}"
    if console.is_terminal:
        columns = (
            TextColumn("Fetching {task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
        )
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(title, total=total)
            yield lambda size_bytes: progress.advance(task, size_bytes)
        return
    console.print(f"Fetching {title}: {len(lock.jars)} jars, {total / 1e6:.0f} MB, once.", highlight=False)
    done_bytes, told = 0, 0

    def advance(size_bytes: int) -> None:
        nonlocal done_bytes, told
        done_bytes += size_bytes
        if (quarter := done_bytes * 4 // total) > told:
            told = quarter
            console.print(
                f"Fetching {title}: {done_bytes / 1e6:.0f} MB of {total / 1e6:.0f}.", highlight=False
            )

    yield advance
