"""Takes the screenshots of the documentation: `make screenshots` writes them, a test run only checks that it works.

They show only the public-domain portraits of the demo feed.
"""

import os
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.dashboard import (
    EMOTIONS,
    Dashboard,
    expect_emotion,
    open_dashboard,
    read_bars,
    wait_for_bars,
)
from tests.browser.small_png import small_png
from tests.browser.stack import Stack
from tests.support.waiting import wait_until

FOLDER = os.environ.get("SCREENSHOTS")
"""Where to write; unset in a test run."""

TIMELINE_S = 300
MAX_BYTES = 300_000
SIZE = {"width": 1280, "height": 960}


def screenshot(dashboard: Dashboard) -> bytes:
    """Return the page as a small PNG; empty if the face or its box disappeared meanwhile."""
    stage = dashboard.camera().locator(".stage").bounding_box()
    assert stage is not None
    left, top = round(stage["x"]), round(stage["y"])
    place = (left, top, left + round(stage["width"]), top + round(stage["height"]))
    png = dashboard.page.screenshot()
    return small_png(png, place) if read_bars(dashboard.camera(), "happy") else b""


def test_screenshots_of_the_documentation(browser: Browser, stack: Stack) -> None:
    with (
        open_dashboard(browser, color_scheme="light", viewport=SIZE) as light,
        open_dashboard(browser, color_scheme="dark", viewport=SIZE) as dark,
    ):
        pages = {"light": light, "dark": dark}
        for dashboard in pages.values():
            dashboard.open(stack.gateway.url())
            expect_emotion(dashboard.camera(), "happy")
        if FOLDER:
            light.page.wait_for_timeout(TIMELINE_S * 1000)  # fills the timeline
        for name, dashboard in pages.items():
            assert list(wait_for_bars(dashboard.camera(), "happy")) == EMOTIONS
            png = wait_until(partial(screenshot, dashboard), "a screenshot with a box")
            assert len(png) < MAX_BYTES
            if FOLDER:
                Path(FOLDER, f"dashboard-{name}.png").write_bytes(png)
