"""Page object of the dashboard: finds elements by role, label or data attribute."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Locator, Page, expect

from tests.support.waiting import wait_until

TIMEOUT_MS = 90_000
"""Longer than every step that succeeds takes on a busy machine. Only a failing test waits this long."""

EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
_EXPECTED_ERRORS = ("Failed to load resource", "WebSocket connection to", "net::ERR_")
"""What Chromium logs for a response that is not 200, or for a lost connection."""

_READ_BARS = """(card, emotion) => {
    const [face, box] = [card.querySelector('.face'), card.querySelector('.box')];
    const isShown = face?.checkVisibility() && box?.checkVisibility() && face.dataset.emotion === emotion;
    return isShown ? [...face.querySelectorAll('.bars li')].map((row) => row.innerText) : null;
}"""
"""All in one call, since the card changes with every frame."""


class Dashboard:
    """One open page.

    Attributes:
        page: Playwright's page.
        errors: Exceptions and console errors of the page, including violations of its content security policy.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._on_console)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(expected in message.text for expected in _EXPECTED_ERRORS):
            self.errors.append(message.text)

    def open(self, url: str, tab: str = "cameras") -> None:
        self.page.goto(f"{url}/#{tab}")
        self.page.evaluate("window.sameDocument = true")

    def was_not_reloaded(self) -> bool:
        return bool(self.page.evaluate("window.sameDocument === true"))

    def select_tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def panel(self, tab: str) -> Locator:
        return self.page.locator(f"#panel-{tab}")

    def camera(self, camera: str = "cam0") -> Locator:
        return self.page.locator(f"[data-camera='{camera}']")

    def image(self, name: str) -> Locator:
        return self.page.get_by_role("article", name=name, exact=True)

    def choose(self, *files: tuple[str, bytes]) -> None:
        """Choose files, by name and content, in the images tab."""
        types = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "mp4": "video/mp4"}
        chosen: list[FilePayload] = [
            {"name": name, "mimeType": types[name.rpartition(".")[2]], "buffer": content} for name, content in files
        ]
        self.page.locator("#image-files").set_input_files(chosen)

    def banner(self) -> Locator:
        return self.page.locator("#banner")

    def announcements(self) -> Locator:
        return self.page.locator("#announcements")


def metric(card: Locator, name: str) -> Locator:
    """Return the value of a metric in the head of a card."""
    return card.locator(".metrics div").filter(has_text=name).locator("dd")


def expect_state(card: Locator, state: str) -> None:
    """Wait until a camera or an image has this state."""
    expect(card).to_have_attribute("data-state", state, timeout=TIMEOUT_MS)


def expect_service(dashboard: Dashboard, name: str, tone: str) -> None:
    """Wait until a service is displayed as good, bad or quiet (unknown)."""
    chip = dashboard.page.locator(f"[data-service='{name}']")
    expect(chip).to_have_attribute("data-tone", tone, timeout=TIMEOUT_MS)


def expect_emotion(card: Locator, emotion: str) -> None:
    """Wait until the first face of a card has this emotion."""
    expect(card.locator(".emotion").first).to_have_text(emotion, timeout=TIMEOUT_MS)


def read_bars(card: Locator, emotion: str) -> list[str]:
    """Return the text of the first face's bars; none unless the card displays that emotion and its box."""
    rows: list[str] = card.evaluate(_READ_BARS, emotion) or []
    return rows


def wait_for_bars(card: Locator, emotion: str) -> dict[str, float]:
    """Wait until a card displays this emotion, and return its bars: emotion → per cent."""
    rows = wait_until(lambda: read_bars(card, emotion), f"bars of {emotion}", TIMEOUT_MS / 1e3)
    matches = [re.fullmatch(r"(\w+)\s+(\d+)\s?%", row.strip()) for row in rows]
    return {match[1]: float(match[2]) for match in matches if match}


@contextmanager
def open_dashboard(browser: Browser, **context: Any) -> Iterator[Dashboard]:
    """Open a page with a fresh profile. The test fails if the page has logged an error."""
    with browser.new_context(**context) as profile:
        dashboard = Dashboard(profile.new_page())
        yield dashboard
        assert dashboard.errors == []
