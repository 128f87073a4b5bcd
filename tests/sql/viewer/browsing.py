"""A browser for the viewer's pages: what it must not report, and how long to wait for drawings.

Chromium is Debian's; nothing is downloaded. Where it or playwright is absent, tests are skipped and say so.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 90_000
# No panel is being asked for or drawn, and none that can be seen waits.
SETTLED = """
() => document.documentElement.dataset.ready === "yes" && !document.querySelector(".sections[aria-busy]")
    && [...document.querySelectorAll(".panel")].every(
        (panel) => panel.offsetParent === null || (panel.dataset.state && !panel.hasAttribute("aria-busy")))
"""


# The same for what has come near the window's edge so far.
NEAR_SETTLED = """
() => document.documentElement.dataset.ready === "yes" && !document.querySelector(".sections[aria-busy]")
    && [...document.querySelectorAll(".panel")].every((panel) => !panel.hasAttribute("aria-busy"))
"""


@contextmanager
def started_browser() -> "Iterator[Browser]":
    """Chromium, or a skip with the reason."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"There is no Chromium ({', '.join(NAMES)}): apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Tab:
    """One page, and what went wrong on it.

    Attributes:
        page: as playwright has it.
        url: of the server.
        complaints: errors and warnings of the console, exceptions, requests that failed or left this machine.
    """

    page: "Page"
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        self.page.on("request", lambda request: self._requested(request.url))

    def _heard(self, message: "ConsoleMessage") -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _requested(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.complaints.append(f"left this server: {url}")

    def open(self, path: str, *, whole: bool = True) -> "Tab":
        """Go to a path and wait until it is drawn."""
        self.page.goto(self.url + path)
        return self.settle(whole=whole)

    def settle(self, *, whole: bool = True) -> "Tab":
        """Wait until all is drawn, with `whole` also what is far below: panels load when they come near."""
        self.page.wait_for_function(NEAR_SETTLED)
        if not whole:
            return self
        size = self.page.viewport_size
        assert size is not None
        height = min(int(self.page.evaluate("document.documentElement.scrollHeight")), 9_000)
        if height > size["height"]:
            self.page.set_viewport_size({"width": size["width"], "height": height})
        self.page.wait_for_function(SETTLED)
        return self

    def panel(self, title: str) -> Any:
        """The panel of this title."""
        return self.page.locator(".panel").filter(
            has=self.page.get_by_role("heading", name=title, exact=True, include_hidden=True)
        )

    def run(self, script: str, argument: Any = None) -> Any:
        """Evaluate in the page."""
        return self.page.evaluate(script, argument)


@contextmanager
def tab(
    browser: "Browser", url: str, *, width: int = 1_440, scheme: Any = "dark", zone: str = "UTC"
) -> Iterator[Tab]:
    """A page in a context of its own: no storage of others, in a zone of time."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, timezone_id=zone, locale="en-US"
    )
    try:
        yield Tab(context.new_page(), url)
    finally:
        context.close()
