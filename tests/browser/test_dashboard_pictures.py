"""Takes the documentation's pictures of the dashboard: `make screenshots` writes them, a test run only looks.

They show the public-domain portraits of the demo feed and nobody else.
"""

import io
import os
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.dashboard import EMOTIONS, Dashboard, opened, shows
from tests.browser.stack import Stack

FOLDER = os.environ.get("SCREENSHOTS")
"""Where to write; in a test run nowhere."""

TIMELINE_S = 300
MOST_BYTES = 300_000
SIZE = {"width": 1280, "height": 960}


def picture(dashboard: Dashboard) -> bytes:
    """Return the page as a PNG of 256 colours, which is what keeps it small."""
    taken = Image.open(io.BytesIO(dashboard.page.screenshot())).convert("RGB")
    out = io.BytesIO()
    taken.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


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
            shows(dashboard.camera(), "happy")
            expect(dashboard.camera().locator(".pill")).to_have_text("live")
            taken = picture(dashboard)
            assert len(taken) < MOST_BYTES
            assert len(EMOTIONS) == dashboard.camera().locator(".bars").first.get_by_role("listitem").count()
            if FOLDER:
                Path(FOLDER, f"dashboard-{name}.png").write_bytes(taken)
