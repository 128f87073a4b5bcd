"""How is one alert posted to one URL? One attempt, one answer; nothing here retries or remembers.

http.client, because it does nothing by itself: no redirects, no proxies, no .netrc. Whether a URL may be
reached at all (private networks) and signatures are not decided here.
"""

import base64
import http.client
import socket
import ssl
import threading
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec

from schemas.alert import Alert
from streams.notify.schedule import Answer, retry_after_s
from streams.settings import ConfigError

TIMEOUT_S = 15.0


class Endpoint:
    """A webhook's URL, taken apart once.

    Attributes:
        name: host and a hash of the URL: safe to log and to store, and another name for another URL.
    """

    def __init__(self, url: str) -> None:
        """Take a URL apart.

        Raises:
            ConfigError: it is not an HTTP URL. The message does not repeat it: it may hold a secret.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError("webhooks: one of the URLs has a port that is no number") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("webhooks: each must begin with http:// or https:// and name a host")
        self.name = f"{parts.hostname}-{sha256(url.encode()).hexdigest()[:8]}"
        self._host = parts.hostname
        self._port = port
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"Content-Type": "application/json", "User-Agent": "wakeline"}
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()

    def post(self, alert_id: str, body: bytes, now_s: float, timeout_s: float = TIMEOUT_S) -> Answer:
        """One attempt.

        Args:
            alert_id: the idempotency key, in the header `webhook-id`; the same at every attempt.
            body: JSON.
            now_s: of this attempt, Unix seconds.
            timeout_s: for all of it; an endpoint that drips its answer is cut off too.

        Returns:
            The answer; status 0 with a reason when there was none.
        """
        headers = self._headers | {
            # An id is ours, but comes over Kafka: nothing in it may end a header.
            "webhook-id": quote(alert_id, safe="-_.:~"),
            "webhook-timestamp": str(int(now_s)),
        }
        connection = self._connect(timeout_s)
        late = threading.Event()
        watchdog = threading.Timer(timeout_s, _cut, (connection, late))
        watchdog.daemon = True
        watchdog.start()
        try:
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            if late.is_set():  # what was cut off looks like the end of the headers
                raise TimeoutError
            return Answer(
                response.status, response.reason[:200], retry_after_s(response.getheader("Retry-After"))
            )
        except TimeoutError:
            return Answer(0, f"no answer within {timeout_s:.0f} s")
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, _describe(error))
        finally:
            watchdog.cancel()
            connection.close()

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)


def payload(alert: Alert) -> bytes:
    """What is posted: `{type, timestamp, data}` of Standard Webhooks, the alert as data."""
    timestamp = datetime.fromtimestamp(alert.time_unix_ms / 1_000, UTC)
    body: dict[str, Any] = {
        "type": alert.type,
        "timestamp": timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": alert,
    }
    return msgspec.json.encode(body)


def _cut(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    """Wake a thread that still reads: it sees the end of the connection."""
    late.set()
    open_socket: socket.socket | None = connection.sock
    if open_socket is not None:
        try:
            open_socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other side was quicker


def _describe(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or type(error).__name__}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
