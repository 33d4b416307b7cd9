"""A page from elsewhere sees no camera, whatever it tries; a page of ours and a page that settings name do."""

import pytest
from playwright.sync_api import Page

from tests.browser import attempts
from tests.browser.gateway import GatewayProcess

WIDTH = 1280


@pytest.fixture(autouse=True)
def patience(page: Page) -> None:
    page.set_default_timeout(60_000)


def shows_the_camera(page: Page) -> bool:
    """Look into the frames of a page, which it can't itself."""
    return any(frame.locator(f"img[src$='{attempts.CAMERA}']").count() for frame in page.frames[1:])


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.example"])
@pytest.mark.parametrize("attempt", attempts.EVERY)
def test_a_page_from_elsewhere_gets_nothing(
    page: Page, gateway: GatewayProcess, elsewhere: int, host: str, attempt: str
) -> None:
    script, path = attempts.EVERY[attempt]
    page.goto(f"http://{host}:{elsewhere}/")
    before = gateway.refused()
    assert page.evaluate(script, gateway.url() + path) is None
    assert gateway.refused() == before + 1, "the browser asked, and it was the gateway that refused"
    assert not shows_the_camera(page)


@pytest.mark.parametrize("attempt", attempts.EVERY)
def test_a_name_that_was_rebound_to_us_gets_nothing(page: Page, gateway: GatewayProcess, attempt: str) -> None:
    """To the browser such a page is one of ours."""
    script, path = attempts.EVERY[attempt]
    answer = page.goto(gateway.url("evil.example") + "/docs")
    assert answer is not None
    assert answer.status == 421
    before = gateway.refused()
    got = page.evaluate(script, gateway.url("evil.example") + path)
    assert got is None or "unknown-host" in got or got == "basic", got
    assert gateway.refused() > before  # Chromium asks again after a 421
    assert not shows_the_camera(page)


@pytest.mark.parametrize("attempt", ["fetch unseen", "image", "frame"])
def test_where_a_browser_does_not_say_whence_it_asks_it_shows_nothing(
    page: Page, gateway: GatewayProcess, elsewhere: int, attempt: str
) -> None:
    """Over plain HTTP by name it sends neither ``Origin`` nor ``Sec-Fetch-Site``."""
    script, path = attempts.EVERY[attempt]
    page.goto(f"http://evil.example:{elsewhere}/")
    before = gateway.refused()
    assert page.evaluate(script, gateway.url("cam.example") + path) is None
    assert gateway.refused() == before, "the gateway can't tell; the answer's headers must do"
    assert not shows_the_camera(page)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "cam.example"])
def test_our_own_page_sees_its_camera(page: Page, gateway: GatewayProcess, host: str) -> None:
    url = gateway.url(host)
    page.goto(f"{url}/healthz")  # without a policy of its own, which /docs and / have
    before = gateway.refused()
    assert '"cam0"' in page.evaluate(attempts.FETCH, f"{url}/cameras")
    assert page.evaluate(attempts.IMAGE, url + attempts.CAMERA) == WIDTH
    assert "unsupported-media-type" in page.evaluate(attempts.POST, f"{url}/predict")
    for attempt in (attempts.EVENTS, attempts.WEBSOCKET, attempts.POST_WITH_A_KEY):
        page.evaluate(attempt, f"{url}/predict")
    page.evaluate(attempts.FRAME, url + attempts.CAMERA)
    assert shows_the_camera(page)
    assert gateway.refused() == before


def test_a_page_that_settings_name_sees_the_camera(page: Page, gateway: GatewayProcess, elsewhere: int) -> None:
    page.goto(f"http://app.example:{elsewhere}/")
    url, before = gateway.url(), gateway.refused()
    assert '"cam0"' in page.evaluate(attempts.FETCH, f"{url}/cameras")
    assert page.evaluate(attempts.IMAGE_TO_READ, url + attempts.CAMERA) == WIDTH
    assert "unsupported-media-type" in page.evaluate(attempts.POST_WITH_A_KEY, f"{url}/predict")
    assert gateway.refused() == before


def test_a_link_may_be_followed_from_elsewhere(page: Page, gateway: GatewayProcess, elsewhere: int) -> None:
    page.goto(f"http://evil.example:{elsewhere}/")
    with page.expect_navigation(url=gateway.url() + attempts.CAMERA):
        page.evaluate("url => { location.href = url; }", gateway.url() + attempts.CAMERA)
    assert page.locator("img").count() == 1
