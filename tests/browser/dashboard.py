"""The dashboard as a person finds it: what is where on the page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Locator, Page, expect

from tests.support.waiting import wait_until

PATIENCE_MS = 90_000
"""More than anything takes here that works, on a busy machine too."""

EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
_EXPECTED = ("Failed to load resource", "WebSocket connection to", "net::ERR_")
"""What Chromium itself prints where an answer isn't 200 or a connection is lost."""

_READ_BARS = """(card, emotion) => {
    const [face, box] = [card.querySelector('.face'), card.querySelector('.box')];
    const shows = face?.checkVisibility() && box?.checkVisibility() && face.dataset.emotion === emotion;
    return shows ? [...face.querySelectorAll('.bars li')].map((row) => row.innerText) : null;
}"""
"""In one look, since what a card tells changes."""


class Dashboard:
    """One open page; whatever its scripts fail at fails the test.

    Attributes:
        page: Playwright's.
        faults: Exceptions and errors of the page's own so far, refusals by its content policy among them.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(expected in message.text for expected in _EXPECTED):
            self.faults.append(message.text)

    def open(self, url: str, tab: str = "cameras") -> None:
        self.page.goto(f"{url}/#{tab}")
        self.page.evaluate("window.sameVisit = true")

    def was_never_reloaded(self) -> bool:
        return bool(self.page.evaluate("window.sameVisit === true"))

    def camera(self, camera: str = "cam0") -> Locator:
        return self.page.locator(f"[data-camera='{camera}']")

    def choose(self, *files: tuple[str, bytes]) -> None:
        """Choose files, by name and content, in the tab of images."""
        types = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
        chosen: list[FilePayload] = [
            {"name": name, "mimeType": types[name.rpartition(".")[2]], "buffer": content} for name, content in files
        ]
        self.page.locator("#image-files").set_input_files(chosen)

    def banner(self) -> Locator:
        return self.page.locator("#banner")

    def service(self, name: str) -> Locator:
        return self.page.get_by_label("State of the services").get_by_role("listitem").filter(has_text=name)


def shows(card: Locator, emotion: str) -> None:
    """Wait until a card tells this emotion."""
    expect(card.locator(".emotion").first).to_have_text(emotion, timeout=PATIENCE_MS)


def rows_of_bars(card: Locator, emotion: str) -> list[str]:
    """Return the first face's bars, a text each; none while the card tells no face, no box or another emotion."""
    rows: list[str] = card.evaluate(_READ_BARS, emotion) or []
    return rows


def bars(card: Locator, emotion: str) -> dict[str, float]:
    """Wait until a card tells this emotion, and return the bars as a person reads them then: emotion → per cent."""
    rows = wait_until(lambda: rows_of_bars(card, emotion), f"bars of {emotion}", PATIENCE_MS / 1e3)
    found = [re.fullmatch(r"(\w+)\s+(\d+) %", row.strip()) for row in rows]
    return {match[1]: float(match[2]) for match in found if match}


@contextmanager
def opened(browser: Browser, **context: Any) -> Iterator[Dashboard]:
    """Open a page of a fresh profile; at the end nothing of its own may have failed."""
    with browser.new_context(**context) as profile:
        dashboard = Dashboard(profile.new_page())
        yield dashboard
        assert dashboard.faults == []
