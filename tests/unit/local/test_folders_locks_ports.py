from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from streams.local.folders import cache_folder, data_folder
from streams.local.locks import FileLock, LockHeld
from streams.local.ports import (
    EPHEMERAL,
    LOOPBACK,
    PortBusy,
    free_port,
    free_ports,
    neighbour_of,
    require_free,
)


def test_folders_follow_the_xdg_variables() -> None:
    environ = {"XDG_CACHE_HOME": "/a/cache", "XDG_DATA_HOME": "/a/data"}
    assert cache_folder(environ, "linux") == Path("/a/cache/wakeline")
    assert data_folder(environ, "linux") == Path("/a/data/wakeline")


def test_a_relative_xdg_variable_is_ignored() -> None:
    environ = {"XDG_CACHE_HOME": "cache", "XDG_DATA_HOME": ""}
    assert cache_folder(environ, "linux") == Path.home() / ".cache" / "wakeline"
    assert data_folder(environ, "linux") == Path.home() / ".local" / "share" / "wakeline"


def test_folders_follow_the_platform_without_the_variables() -> None:
    assert cache_folder({}, "darwin") == Path.home() / "Library" / "Caches" / "wakeline"
    assert data_folder({}, "darwin") == Path.home() / "Library" / "Application Support" / "wakeline"


def test_a_held_lock_names_its_owner(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"), pytest.raises(LockHeld) as raised:
        FileLock(tmp_path / "lock").acquire(wait=False)
    assert raised.value.pid == os.getpid()


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"):
        pass
    again = FileLock(tmp_path / "lock")
    again.acquire(wait=False)
    again.release()


def test_a_lock_is_gone_with_a_killed_owner(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, pathlib; from streams.local.locks import FileLock\n"
        "lock = FileLock(pathlib.Path(sys.argv[1])); lock.acquire(wait=False)\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        with pytest.raises(LockHeld) as raised:
            FileLock(path).acquire(wait=False)
        assert raised.value.pid == owner.pid
        owner.kill()
        owner.wait()
    lock = FileLock(path)
    lock.acquire(wait=False)
    lock.release()


def test_a_free_port_passes() -> None:
    require_free(free_port(), "--port")


def test_free_ports_differ_and_are_none_that_outgoing_connections_get() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert max(ports) < EPHEMERAL
    with socket.socket() as taken:
        taken.bind((LOOPBACK, ports[0]))
        taken.listen()
        every = free_ports(12_000)
    assert ports[0] not in every


def test_a_busy_port_names_the_port_the_holder_and_the_flag() -> None:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortBusy) as raised:
            require_free(port, "--kafka-port PORT")
    assert raised.value.port == port
    assert raised.value.holder is not None
    for part in (str(port), f"process {os.getpid()}", "--kafka-port PORT"):
        assert part in str(raised.value)


def test_a_connection_that_lingers_does_not_make_a_port_busy() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, 0))
        listener.listen()
        port = listener.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)) as client:
            served, _ = listener.accept()
            served.close()  # the server closes first, so TIME_WAIT is on its port
            client.recv(1)
    require_free(port, "--port")


def test_the_neighbour_is_a_free_port_above() -> None:
    with socket.socket() as public, socket.socket() as taken:
        public.bind((LOOPBACK, 0))
        port = public.getsockname()[1]
        taken.bind((LOOPBACK, neighbour_of(port)))
        taken.listen()
        assert port < taken.getsockname()[1] < neighbour_of(port)
