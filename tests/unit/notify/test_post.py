"""One attempt against real sockets."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from schemas.alert import Alert
from streams.local.ports import free_port
from streams.notify.post import Endpoint, payload
from streams.settings import ConfigError


def read_request(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        head = b"".join(iter(stream.readline, b"\r\n"))
        length = next(
            int(line.split()[1]) for line in head.splitlines() if line.startswith(b"Content-Length")
        )
        return head + b"\r\n" + stream.read(length)


@contextmanager
def answering(*parts: bytes, wait: threading.Event | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads one request and sends `parts`; it then keeps the connection until `wait` is set."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(read_request(connection))
                for part in parts:
                    connection.sendall(part)
                if wait is not None:
                    wait.wait(30)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook?key=secret", heard
        thread.join()


def test_the_alert_id_and_the_body_arrive_as_standard_webhooks_say() -> None:
    alert = Alert(
        alert_id="a1",
        type="loop.detected",
        severity="critical",
        namespace="live",
        time_unix_ms=1_700_000_000_123,
        summary="10 identical calls",
        incident_id="i1",
    )
    with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, heard):
        answer = Endpoint(url).post(alert.alert_id, payload(alert), 1_700_000_001.9)
    assert answer.status == 204
    head, body = heard[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?key=secret HTTP/1.1")
    assert b"webhook-id: a1\r\n" in head
    assert b"webhook-timestamp: 1700000001" in head
    assert json.loads(body) == {
        "type": "loop.detected",
        "timestamp": "2023-11-14T22:13:20.123Z",
        "data": {
            "alert_id": "a1",
            "type": "loop.detected",
            "severity": "critical",
            "namespace": "live",
            "time_unix_ms": 1_700_000_000_123,
            "summary": "10 identical calls",
            "incident_id": "i1",
        },
    }


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n") as (url, _):
        assert Endpoint(url).post("a", b"{}", 0).status == 302


def test_an_alert_id_cannot_end_a_header() -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\n") as (url, heard):
        assert Endpoint(url).post("a\r\nX-Evil: 1\r\n\r\nü", b"{}", 0).status == 200
    assert b"webhook-id: a%0D%0AX-Evil:%201%0D%0A%0D%0A%C3%BC\r\n" in heard[0]


def test_an_endpoint_that_does_not_finish_its_answer_is_cut_off() -> None:
    wait = threading.Event()
    with answering(b"HTTP/1.1 200 OK\r\nX-Slow: ", wait=wait) as (url, _):
        answer = Endpoint(url).post("a", b"{}", 0, timeout_s=0.2)
        wait.set()
    assert answer.status == 0
    assert answer.detail


def test_nobody_and_nonsense_are_answers_with_a_reason_and_without_the_secret() -> None:
    answer = Endpoint(f"http://127.0.0.1:{free_port()}/secret").post("a", b"{}", 0)
    assert answer == (0, "Connection refused", None)
    with answering(b"\x16\x03 hello\r\n\r\n") as (url, _):
        answer = Endpoint(url).post("a", b"{}", 0)
    assert answer.status == 0
    assert "secret" not in answer.detail


def test_a_user_in_the_url_becomes_basic_authentication() -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\n") as (url, heard):
        Endpoint(url.replace("://", "://user:p%40ss@")).post("a", b"{}", 0)
    assert b"Authorization: Basic dXNlcjpwQHNz\r\n" in heard[0]


def test_a_name_tells_urls_apart_and_not_their_secret() -> None:
    first, second = Endpoint("https://hooks.example/a-secret"), Endpoint("https://hooks.example/b-secret")
    assert first.name != second.name
    assert first.name.startswith("hooks.example-")
    assert "secret" not in first.name


@pytest.mark.parametrize("url", ["", "hooks.example/x", "ftp://hooks.example", "https://", "http://h:x/"])
def test_what_is_no_http_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError, match="webhooks") as raised:
        Endpoint(url)
    assert "hooks.example" not in str(raised.value)
