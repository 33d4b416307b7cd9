"""Cross-origin protection in a real browser: pages of other origins get no camera data unless settings allow it."""

import pytest
from playwright.sync_api import Page

from tests.browser import request_scripts
from tests.browser.gateway import GatewayProcess

WIDTH = 1280


@pytest.fixture(autouse=True)
def timeout(page: Page) -> None:
    page.set_default_timeout(60_000)


def displays_camera(page: Page) -> bool:
    """Look for the image in the frames of a page."""
    return any(frame.locator(f"img[src$='{request_scripts.CAMERA}']").count() for frame in page.frames[1:])


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.example"])
@pytest.mark.parametrize("request_name", request_scripts.SCRIPTS)
def test_other_origin_gets_nothing(
    page: Page, gateway: GatewayProcess, other_origin_port: int, host: str, request_name: str
) -> None:
    script, path = request_scripts.SCRIPTS[request_name]
    page.goto(f"http://{host}:{other_origin_port}/")
    before = gateway.rejected_requests()
    assert page.evaluate(script, gateway.url() + path) is None
    assert gateway.rejected_requests() == before + 1, "the browser sent the request and the gateway rejected it"
    assert not displays_camera(page)


@pytest.mark.parametrize("request_name", request_scripts.SCRIPTS)
def test_rebound_name_gets_nothing(page: Page, gateway: GatewayProcess, request_name: str) -> None:
    """DNS rebinding: to the browser such a page has the same origin as the gateway."""
    script, path = request_scripts.SCRIPTS[request_name]
    response = page.goto(gateway.url("evil.example") + "/docs")
    assert response is not None
    assert response.status == 421
    before = gateway.rejected_requests()
    result = page.evaluate(script, gateway.url("evil.example") + path)
    assert result is None or "unknown-host" in result or result == "basic", result
    assert gateway.rejected_requests() > before  # Chromium repeats a request after a 421
    assert not displays_camera(page)


@pytest.mark.parametrize("request_name", ["fetch without CORS", "image", "frame"])
def test_other_origin_gets_nothing_without_fetch_metadata(
    page: Page, gateway: GatewayProcess, other_origin_port: int, request_name: str
) -> None:
    """Over plain HTTP by name the browser sends neither ``Origin`` nor ``Sec-Fetch-Site``."""
    script, path = request_scripts.SCRIPTS[request_name]
    page.goto(f"http://evil.example:{other_origin_port}/")
    before = gateway.rejected_requests()
    assert page.evaluate(script, gateway.url("cam.example") + path) is None
    assert gateway.rejected_requests() == before, "the headers of the response protect it, not a rejection"
    assert not displays_camera(page)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "cam.example"])
def test_same_origin_gets_the_camera(page: Page, gateway: GatewayProcess, host: str) -> None:
    url = gateway.url(host)
    page.goto(f"{url}/healthz")  # has no content security policy, unlike /docs and /
    before = gateway.rejected_requests()
    assert '"cam0"' in page.evaluate(request_scripts.FETCH, f"{url}/cameras")
    assert page.evaluate(request_scripts.IMAGE, url + request_scripts.CAMERA) == WIDTH
    assert "unsupported-media-type" in page.evaluate(request_scripts.POST, f"{url}/predict")
    for script in (request_scripts.EVENTS, request_scripts.WEBSOCKET, request_scripts.POST_WITH_KEY):
        page.evaluate(script, f"{url}/predict")
    page.evaluate(request_scripts.FRAME, url + request_scripts.CAMERA)
    assert displays_camera(page)
    assert gateway.rejected_requests() == before


def test_allowed_origin_gets_the_camera(page: Page, gateway: GatewayProcess, other_origin_port: int) -> None:
    page.goto(f"http://app.example:{other_origin_port}/")
    url, before = gateway.url(), gateway.rejected_requests()
    assert '"cam0"' in page.evaluate(request_scripts.FETCH, f"{url}/cameras")
    assert page.evaluate(request_scripts.IMAGE_WITH_CORS, url + request_scripts.CAMERA) == WIDTH
    assert "unsupported-media-type" in page.evaluate(request_scripts.POST_WITH_KEY, f"{url}/predict")
    assert gateway.rejected_requests() == before


def test_link_from_other_origin_works(page: Page, gateway: GatewayProcess, other_origin_port: int) -> None:
    page.goto(f"http://evil.example:{other_origin_port}/")
    with page.expect_navigation(url=gateway.url() + request_scripts.CAMERA):
        page.evaluate("url => { location.href = url; }", gateway.url() + request_scripts.CAMERA)
    assert page.locator("img").count() == 1
