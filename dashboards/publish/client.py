"""How is Grafana asked? grafana-api, wrapped once: answers as values, failures as errors that say what to do.

What the wrapper adds: answers without a body (204), bodies that are no JSON or no object, redirects (which
would turn a POST into a GET), and connection errors of requests under our own names. The token is in a header
and nowhere else.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from grafana_api.grafana_api import GrafanaAPI, GrafanaException

TIMEOUT_S = 30.0


class BadAddress(ValueError):
    """Address or token cannot be used. The message does not repeat the token."""


class GrafanaUnavailable(Exception):
    """Grafana does not answer, or what answers is no Grafana. The message says where, and what to do."""


class GrafanaRefused(Exception):
    """Grafana answers with an error.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


_WHAT_TO_DO = {
    401: "Grafana does not take the token: is it of this Grafana, and has it not run out?",
    403: "The token may not do this: give its service account the role Admin, or the permission named here",
    404: "Grafana does not know this",
    409: "It was changed meanwhile (run again), or is there under another uid",
    412: "It was changed meanwhile (run again), or another one has its name (rename that)",
    422: "Grafana cannot use what was sent",
}
_SERVER = "Grafana failed: see its log, and run again; what is written already is not written twice"


class Grafana:
    """One Grafana.

    Attributes:
        address: as given, without a slash at its end.
    """

    def __init__(self, address: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        """Does not connect yet.

        Args:
            address: such as https://grafana.example/path.
            token: of a service account.
            timeout_s: to connect, and between two parts of an answer.

        Raises:
            BadAddress: it is no HTTP address, holds a user, or the token is none.
        """
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError as error:
            raise BadAddress(f"Grafana's address cannot be read: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadAddress(f"Grafana's address must begin with http:// or https://, not {address!r}")
        if parts.username is not None:
            raise BadAddress("Grafana's address holds a user: use the token of a service account instead")
        if not token.isascii() or not token.isprintable() or " " in token or not token:
            raise BadAddress(
                "The token is empty, or holds characters that no token has: is it the right file?"
            )
        self.address = address.rstrip("/")
        path = parts.path.strip("/")
        self._api = GrafanaAPI(
            token,
            host=f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname,
            port=port,
            url_path_prefix=f"{path}/" if path else "",
            protocol=parts.scheme,
            timeout=timeout_s,
        )
        self._seen: list[requests.Response] = []
        self._api.s.hooks["response"].append(self._keep)

    def get(self, path: str) -> Any:
        """The answer to GET `/api{path}`.

        Raises:
            GrafanaRefused: an error.
            GrafanaUnavailable: no answer, or none of a Grafana.
        """
        return self._ask("GET", path, None, {})

    def find(self, path: str) -> Any | None:
        """The same; None where there is nothing."""
        try:
            return self.get(path)
        except GrafanaRefused as refused:
            if refused.status == 404:
                return None
            raise

    def post(self, path: str, body: Any, *, editable: bool = False) -> Any:
        """The answer to POST; `editable` leaves what it makes to the user interface, too."""
        return self._ask("POST", path, body, _provenance(editable))

    def put(self, path: str, body: Any, *, editable: bool = False) -> Any:
        """The answer to PUT, likewise."""
        return self._ask("PUT", path, body, _provenance(editable))

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        asked = f"{method} {self.address}/api{path}"
        ask: Callable[..., Any] = getattr(self._api, method)
        self._seen.clear()
        try:
            return ask(path, json=body, headers=headers)
        except GrafanaException as error:
            if error.status_code == 404 and isinstance(error.response, str):
                raise self._no_grafana(asked) from error
            raise _refused(error.status_code, error.response, asked) from error
        except requests.exceptions.JSONDecodeError as error:
            if self._seen and not self._seen[-1].content:
                return None
            raise self._no_grafana(asked) from error
        except requests.exceptions.Timeout as error:
            raise GrafanaUnavailable(
                f"Grafana does not answer within {self._api.timeout:g} s ({asked}): is it busy? "
                "--timeout waits longer"
            ) from error
        except requests.exceptions.RequestException as error:
            raise GrafanaUnavailable(
                f"Grafana cannot be reached at {self.address}: {_cause(error)}. Is it up, and is it there?"
            ) from error
        except TypeError as error:
            # An error whose body is a number, null, or a list with the text "message" breaks grafana-api.
            if not self._seen or self._seen[-1].status_code < 400:
                raise
            raise _refused(self._seen[-1].status_code, self._seen[-1].json(), asked) from error

    def _no_grafana(self, asked: str) -> GrafanaUnavailable:
        return GrafanaUnavailable(
            f"What answers at {self.address} is no Grafana ({asked} gave no JSON): is a path missing in the "
            "address, or does a proxy ask for a sign-in?"
        )

    def _keep(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self._seen.append(response)
        if response.is_redirect:
            target = response.headers["Location"].partition("/api/")[0]
            raise GrafanaUnavailable(
                f"{self.address} redirects to {target or response.headers['Location']}: name that address"
            )


def _provenance(editable: bool) -> dict[str, str]:
    return {"X-Disable-Provenance": "true"} if editable else {}


def _refused(status: int, response: Any, asked: str) -> GrafanaRefused:
    todo = _SERVER if status >= 500 else _WHAT_TO_DO.get(status, "Grafana refuses what was sent")
    return GrafanaRefused(status, f"{todo} ({asked}: {status} {_words(response)})")


def _words(response: Any) -> str:
    """What Grafana says, whatever the shape of its answer."""
    if isinstance(response, dict):
        response = response.get("message") or response
    if isinstance(response, list):
        return "; ".join(_words(one) for one in response)[:500]
    text = response if isinstance(response, str) else json.dumps(response)
    return " ".join(text.split())[:500]


def _cause(error: Exception) -> str:
    """The innermost reason, which requests wraps several times."""
    seen: BaseException = error
    while seen.__cause__ is not None or seen.__context__ is not None:
        seen = seen.__cause__ or seen.__context__  # type: ignore[assignment]  # one of them is there
    return str(getattr(seen, "strerror", None) or seen).strip()[:200]
