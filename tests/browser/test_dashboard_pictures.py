"""Takes the documentation's pictures of the dashboard: `make screenshots` writes them, a test run only looks.

They show the public-domain portraits of the demo feed and nobody else.
"""

import os
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.dashboard import EMOTIONS, Dashboard, bars, opened, rows_of_bars, shows
from tests.browser.small_png import small_png
from tests.browser.stack import Stack
from tests.support.waiting import wait_until

FOLDER = os.environ.get("SCREENSHOTS")
"""Where to write; in a test run nowhere."""

TIMELINE_S = 300
MOST_BYTES = 300_000
SIZE = {"width": 1280, "height": 960}


def picture(dashboard: Dashboard) -> bytes:
    """Return the page as a small PNG; nothing where the face or its box went meanwhile."""
    stage = dashboard.camera().locator(".stage").bounding_box()
    assert stage is not None
    left, top = round(stage["x"]), round(stage["y"])
    place = (left, top, left + round(stage["width"]), top + round(stage["height"]))
    taken = dashboard.page.screenshot()
    return small_png(taken, place) if rows_of_bars(dashboard.camera(), "happy") else b""


def test_the_documentations_pictures(browser: Browser, stack: Stack) -> None:
    with (
        opened(browser, color_scheme="light", viewport=SIZE) as light,
        opened(browser, color_scheme="dark", viewport=SIZE) as dark,
    ):
        pages = {"light": light, "dark": dark}
        for dashboard in pages.values():
            dashboard.open(stack.gateway.url())
            shows(dashboard.camera(), "happy")
        if FOLDER:
            light.page.wait_for_timeout(TIMELINE_S * 1000)  # it takes what it shows to fill
        for name, dashboard in pages.items():
            assert list(bars(dashboard.camera(), "happy")) == EMOTIONS
            taken = wait_until(partial(picture, dashboard), "a picture with a box")
            assert len(taken) < MOST_BYTES
            if FOLDER:
                Path(FOLDER, f"dashboard-{name}.png").write_bytes(taken)
