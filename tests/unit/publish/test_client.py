"""Is every answer of Grafana, and of what is no Grafana, a value or an error that says what to do?"""

import json
import socket
from typing import Any

import pytest

from dashboards.publish.client import BadAddress, Grafana, GrafanaRefused, GrafanaUnavailable
from tests.unit.publish.double import TOKEN, Answer, Fault, GrafanaDouble

PATH = "/folders/wakeline"


def test_an_answer_is_its_json_and_the_token_goes_in_the_header(
    double: GrafanaDouble, grafana: Grafana
) -> None:
    grafana.post("/folders", {"uid": "wakeline", "title": "T"})
    assert grafana.get(PATH)["title"] == "T"
    assert double.asked == ["POST /api/folders", f"GET /api{PATH}"]
    assert set(double.tokens) == {f"Bearer {TOKEN}"}


def test_what_is_not_there_is_none(grafana: Grafana) -> None:
    assert grafana.find(PATH) is None


def test_an_answer_without_a_body_is_none(double: GrafanaDouble, grafana: Grafana) -> None:
    double.state.empty_answers = True
    assert grafana.post("/folders", {"uid": "wakeline", "title": "T"}) is None


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (400, {"message": "bad things"}, "refuses what was sent .*400 bad things"),
        (400, [{"message": "one"}, {"message": "two"}], "400 one; two"),
        (400, ["message", "two"], "400 message; two"),
        (400, None, "refuses what was sent"),
        (400, 7, "400 7"),
        (400, b"null", "refuses what was sent"),
        (400, b"plain words", "400 plain words"),
        (400, {"error": "no message"}, "no message"),
        (401, {"message": "Invalid API key"}, "does not take the token.*Invalid API key"),
        (403, {"message": "you need datasources:write"}, "role Admin.*datasources:write"),
        (404, {"message": "nope"}, "does not know this"),
        (409, {"message": "conflict"}, "run again"),
        (
            412,
            {"status": "version-mismatch", "message": "changed by someone else"},
            "changed meanwhile.*someone",
        ),
        (422, {"message": "no"}, "cannot use"),
        (500, {"message": "boom"}, "see its log.*500 boom"),
        (502, b"<html>Bad Gateway</html>", "502 <html>Bad"),
        (503, None, "Grafana failed"),
    ],
)
def test_an_error_says_what_to_do_and_what_grafana_said(
    double: GrafanaDouble, grafana: Grafana, status: int, body: Any, says: str
) -> None:
    double.faults.append(Fault("PUT ", Answer(status, body)))
    with pytest.raises(GrafanaRefused, match=says) as refused:
        grafana.put(PATH, {"title": "T"})
    assert refused.value.status == status
    assert f"PUT {double.url}/api{PATH}" in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_a_wrong_token_is_refused_and_not_repeated(double: GrafanaDouble) -> None:
    with pytest.raises(GrafanaRefused, match="does not take the token") as refused:
        Grafana(double.url, "glsa_wrong").get(PATH)
    assert "glsa_wrong" not in str(refused.value)


def test_nobody_who_answers_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(
            GrafanaUnavailable, match=rf"cannot be reached at http://127.0.0.1:{port}: Connection refused"
        ):
            Grafana(f"http://127.0.0.1:{port}", TOKEN).get("/health")


def test_a_name_that_is_unknown_is_unavailable() -> None:
    with pytest.raises(GrafanaUnavailable, match=r"cannot be reached at http://grafana.invalid"):
        Grafana("http://grafana.invalid", TOKEN, 5).get("/health")


def test_a_slow_answer_is_unavailable_and_names_the_option(double: GrafanaDouble) -> None:
    double.faults.append(Fault("GET ", Answer(200, {}), delay_s=1.5))
    with pytest.raises(GrafanaUnavailable, match=r"within 0.3 s .*--timeout"):
        Grafana(double.url, TOKEN, 0.3).get("/health")


def test_a_page_that_is_no_json_is_no_grafana(double: GrafanaDouble, grafana: Grafana) -> None:
    double.faults.append(Fault("GET ", Answer(200, b"<html>Sign in</html>")))
    with pytest.raises(GrafanaUnavailable, match=r"is no Grafana.*sign-in"):
        grafana.get("/health")


def test_a_redirect_is_told_and_not_followed(double: GrafanaDouble, grafana: Grafana) -> None:
    target = (("Location", "https://grafana.example/x/api/folders"),)
    double.faults.append(Fault("POST ", Answer(302, None, target)))
    with pytest.raises(
        GrafanaUnavailable, match=r"redirects to https://grafana.example/x: name that address"
    ):
        grafana.post("/folders", {})
    assert double.asked == ["POST /api/folders"]


def test_a_grafana_below_a_path(grafana: Grafana) -> None:
    below = GrafanaDouble("/tools/grafana")
    try:
        for address in (below.url, f"{below.url}/"):
            assert Grafana(address, TOKEN).get("/health")["database"] == "ok"
        with pytest.raises(GrafanaUnavailable, match=r"is no Grafana.*a path missing"):
            Grafana(below.url.removesuffix("/tools/grafana"), TOKEN).get("/health")
    finally:
        below.close()


@pytest.mark.parametrize(
    ("address", "token", "says"),
    [
        ("grafana.example", TOKEN, "must begin with http"),
        ("ftp://grafana.example", TOKEN, "must begin with http"),
        ("https://", TOKEN, "must begin with http"),
        ("https://grafana.example:x", TOKEN, "cannot be read"),
        ("https://[::1", TOKEN, "cannot be read"),
        ("https://admin:secret@grafana.example", TOKEN, "holds a user"),
        ("https://grafana.example", "", "token is empty"),
        ("https://grafana.example", "a b", "no token has"),
        ("https://grafana.example", "a\nb", "no token has"),
        ("https://grafana.example", "tök", "no token has"),
    ],
)
def test_an_address_or_token_that_cannot_be_is_told_at_once(address: str, token: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says) as error:
        Grafana(address, token)
    assert "secret" not in str(error.value)
    assert not token or token not in str(error.value)


def test_a_client_does_not_show_its_token(grafana: Grafana) -> None:
    assert TOKEN not in repr(grafana)
    assert TOKEN not in json.dumps({name: repr(value) for name, value in vars(grafana).items()})
