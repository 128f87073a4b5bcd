"""How the endpoint's process starts, ends, and what it leaves behind."""

import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from streams.local.engine import Account, EngineConfig, load_accounts
from streams.local.errors import LocalError
from tests.functional.engine.conftest import CANARY, FULL, Endpoint, command, start


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_answered_rows_survive_the_end_of_the_process(tmp_path: Path, number: int) -> None:
    first = start(tmp_path)
    first.rows("CREATE TABLE kept (id UInt64) ENGINE = MergeTree ORDER BY id")
    for i in range(20):
        assert first.ask("INSERT INTO kept FORMAT TSV", body=b"%d\n" % i).status_code == 200
    status = first.stop(number)
    assert status == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    second = start(tmp_path)
    assert second.rows("SELECT count(), sum(id) FROM kept") == "20\t190\n"
    assert second.stop() == 0


def test_sigterm_kills_what_runs_too_long_and_says_so(tmp_path: Path) -> None:
    busy = start(tmp_path)
    endless = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
    with requests.Session() as other, ThreadPoolExecutor(1) as pool:
        other.get(f"{busy.url}ping", timeout=30)  # an idle connection is kept open
        running = pool.submit(requests.post, busy.url, data=endless, auth=FULL, timeout=60)
        while "sipHash64" not in busy.rows(
            "SELECT query FROM system.processes WHERE query LIKE 'SELECT count%'"
        ):
            assert not running.done()
        assert busy.stop() == 0
        assert running.result().headers["X-ClickHouse-Exception-Code"] == "394"


def test_a_second_engine_on_the_folder_is_refused_with_the_owner(endpoint: Endpoint, folder: Path) -> None:
    second = subprocess.run(command(folder, "--port", "0"), capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert str(endpoint.process.pid) in second.stderr
    assert "--data" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_busy_port_is_refused_with_advice(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(command(tmp_path, "--port", port), capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert f"Port {port}" in ended.stderr
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_that_others_reach_needs_passwords(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="no password"):
        EngineConfig(tmp_path, load_accounts(None, {}), host="0.0.0.0")
    EngineConfig(tmp_path, (Account("a", "secret", readonly=False),), host="0.0.0.0")
    EngineConfig(tmp_path, load_accounts(None, {}), host="::1")


@pytest.mark.parametrize("text", ["{", "[]", '{"a": "b"}', '{"a": {"password": 1}}', '{"a": {"pass": "x"}}'])
def test_a_users_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "users.json"
    path.write_text(text)
    with pytest.raises(LocalError, match="users"):
        load_accounts(path, {})


def test_passwords_are_not_among_the_arguments_or_in_the_log(endpoint: Endpoint) -> None:
    arguments = Path(f"/proc/{endpoint.process.pid}/cmdline")
    if not arguments.exists():
        pytest.skip("needs /proc")
    assert b"secret" not in arguments.read_bytes()
    assert "secret" not in endpoint.line
    assert CANARY not in endpoint.line
