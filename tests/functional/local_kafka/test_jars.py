"""The broker's jars: fetched once, checked always; every fault is made for real."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from streams.local.folders import cache_folder
from streams.local.jars import (
    JarLock,
    JarsDiffer,
    JarsUnavailable,
    ensure_jars,
    jar_folder,
    load_lock,
    verify_jars,
)
from streams.local.ports import free_port
from tests.functional.local_kafka.maven_mirror import Mirror, serving

pytestmark = pytest.mark.functional

FETCH = (
    "import os, sys; from pathlib import Path; from rich.console import Console\n"
    "from streams.local.jars import ensure_jars, load_lock\n"
    "print(len(ensure_jars(Path(sys.argv[1]), load_lock(), os.environ, Console(stderr=True))))\n"
)


@pytest.fixture(scope="module")
def lock() -> JarLock:
    return load_lock()


@pytest.fixture(scope="module")
def jars(lock: JarLock) -> Path:
    """The verified jars of the user's cache."""
    cache = cache_folder(os.environ)
    ensure_jars(cache, lock, os.environ, Console(stderr=True))
    return jar_folder(cache, lock)


@pytest.fixture
def cached(tmp_path: Path, jars: Path, lock: JarLock) -> Path:
    """A cache of its own, filled and ready to be spoilt."""
    shutil.copytree(jars, jar_folder(tmp_path, lock))
    return tmp_path


@pytest.fixture
def mirror(tmp_path: Path, jars: Path, lock: JarLock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A mirror that the user's configuration names."""
    with serving(jars, lock) as mirror:
        for name, value in mirror.configure(tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield mirror


def quiet() -> Console:
    return Console(file=io.StringIO())


def fetch(cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", FETCH, str(cache)], stdout=subprocess.PIPE, text=True)


def test_a_changed_jar_is_named_and_refused(cached: Path, lock: JarLock) -> None:
    jar = jar_folder(cached, lock) / "kafka-clients-4.4.0.jar"
    content = bytearray(jar.read_bytes())
    content[len(content) // 2] ^= 1
    jar.write_bytes(content)
    with pytest.raises(JarsDiffer, match=r"kafka-clients-4\.4\.0\.jar .*Delete"):
        ensure_jars(cached, lock, os.environ, quiet())


def test_a_jar_that_is_not_in_the_lock_is_named_and_refused(cached: Path, lock: JarLock) -> None:
    (jar_folder(cached, lock) / "added-1.0.jar").touch()
    with pytest.raises(JarsDiffer, match=r"added-1\.0\.jar"):
        ensure_jars(cached, lock, os.environ, quiet())


def test_a_missing_jar_is_named_and_refused(cached: Path, lock: JarLock) -> None:
    (jar_folder(cached, lock) / "jose4j-0.9.6.jar").unlink()
    with pytest.raises(JarsDiffer, match=r"jose4j-0\.9\.6\.jar is missing"):
        ensure_jars(cached, lock, os.environ, quiet())


def test_jars_come_from_the_mirror_that_the_user_names(mirror: Mirror, tmp_path: Path, lock: JarLock) -> None:
    paths = ensure_jars(tmp_path, lock, os.environ, quiet())
    assert [path.name for path in paths] == [jar.file_name for jar in lock.jars]
    assert set(mirror.served.values()) == {1}
    assert [path.name for path in jar_folder(tmp_path, lock).parent.glob("*.partial")] == []


def test_progress_is_told_in_lines_without_a_terminal(mirror: Mirror, tmp_path: Path, lock: JarLock) -> None:
    out = io.StringIO()
    ensure_jars(tmp_path, lock, os.environ, Console(file=out))
    lines = out.getvalue().splitlines()
    assert lines[0] == f"Fetching Apache Kafka 4.4.0: {len(lock.jars)} jars, 45 MB, once."
    assert lines[-1] == "Fetching Apache Kafka 4.4.0: 45 MB of 45."
    assert len(lines) == 5


def test_progress_is_a_bar_on_a_terminal(mirror: Mirror, tmp_path: Path, lock: JarLock) -> None:
    out = io.StringIO()
    ensure_jars(tmp_path, lock, os.environ, Console(file=out, force_terminal=True, width=100))
    assert "44.6/44.6 MB" in out.getvalue()


def test_two_that_start_at_once_fetch_once(mirror: Mirror, tmp_path: Path) -> None:
    both = [fetch(tmp_path), fetch(tmp_path)]
    assert [process.communicate()[0] for process in both] == ["45\n", "45\n"]
    assert set(mirror.served.values()) == {1}


def test_an_interrupted_download_leaves_nothing_that_is_believed(
    mirror: Mirror, tmp_path: Path, lock: JarLock
) -> None:
    mirror.stalls.add("kafka-server-4.4.0.jar")
    process = fetch(tmp_path)
    mirror.stalled.wait()
    process.kill()
    process.communicate()
    assert not jar_folder(tmp_path, lock).exists()
    mirror.go_on.set()
    mirror.stalls.clear()
    assert len(ensure_jars(tmp_path, lock, os.environ, quiet())) == len(lock.jars)


def test_a_connection_that_breaks_is_tried_again(mirror: Mirror, tmp_path: Path, lock: JarLock) -> None:
    mirror.cut["scala-library-2.13.18.jar"] = 1
    ensure_jars(tmp_path, lock, os.environ, quiet())
    assert mirror.served["scala-library-2.13.18.jar"] == 2


def test_another_jar_from_the_mirror_is_refused_and_not_kept(
    mirror: Mirror, tmp_path: Path, lock: JarLock
) -> None:
    mirror.other_bytes.add("kafka_2.13-4.4.0.jar")
    with pytest.raises(JarsDiffer, match=r"another kafka_2\.13-4\.4\.0\.jar") as raised:
        ensure_jars(tmp_path, lock, os.environ, quiet())
    assert "secret" not in str(raised.value)
    assert not jar_folder(tmp_path, lock).exists()


def test_an_unreachable_registry_says_what_to_do(tmp_path: Path, lock: JarLock) -> None:
    Mirror(port=free_port()).configure(tmp_path)
    command = [sys.executable, "-m", "streams.local.kafka", "--data", str(tmp_path / "data")]
    environ = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path),
        "JGO_CONFIG_FILE": str(tmp_path / "jgo.conf"),
        "NO_PROXY": "127.0.0.1",
    }
    port = ["--port", str(free_port())]
    ended = subprocess.run([*command, *port], env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    for part in ("cannot be fetched", "HTTPS_PROXY", "jgo.conf", "--kafka HOST:PORT", "network"):
        assert part in ended.stderr
    for part in ("Traceback", "secret"):
        assert part not in ended.stderr
    assert not jar_folder(tmp_path / "wakeline", lock).exists()


def test_a_mirror_without_the_jar_says_so(mirror: Mirror, tmp_path: Path, lock: JarLock) -> None:
    first = lock.jars[0]
    renamed = JarLock(
        lock.kafka, [type(first)("org.example:nothing:1", first.size_bytes, first.sha256), *lock.jars[1:]]
    )
    with pytest.raises(JarsUnavailable, match=r"nothing-1\.jar .*not found there"):
        ensure_jars(tmp_path, renamed, os.environ, quiet())


def test_the_lock_names_each_file_once(lock: JarLock, jars: Path) -> None:
    assert len({jar.file_name for jar in lock.jars}) == len(lock.jars)
    assert verify_jars(jars, lock) == [jars / jar.file_name for jar in lock.jars]
