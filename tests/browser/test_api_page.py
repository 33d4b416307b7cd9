"""``/docs`` in a real browser: it shows the operations, calls them, and asks no other host."""

from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from services.runtime.openapi import operations
from tests.browser.dashboard import PATIENCE_MS, opened
from tests.browser.gateway import GatewayProcess


def test_an_operation_is_tried_out(browser: Browser, gateway: GatewayProcess) -> None:
    with opened(browser) as opened_page:
        page, asked = opened_page.page, []
        page.on("request", lambda request: asked.append(urlsplit(request.url)))
        answer = page.goto(f"{gateway.url()}/docs")
        assert answer is not None
        assert "unsafe" not in answer.headers["content-security-policy"]
        shown = page.locator(".opblock")
        expect(shown.first).to_be_visible(timeout=PATIENCE_MS)
        document = page.request.get(f"{gateway.url()}/openapi.json").json()
        expect(shown).to_have_count(len(list(operations(document))))

        block = page.locator("#operations-services-services_services_get")
        block.click()
        block.get_by_role("button", name="Try it out").click()
        block.get_by_role("button", name="Execute").click()
        live = block.locator(".live-responses-table")
        expect(live.locator(".response-col_status").last).to_contain_text("200", timeout=PATIENCE_MS)
        expect(live.locator(".response-col_description").last).to_contain_text("redis")
        assert {place.netloc for place in asked if place.scheme != "data"} == {urlsplit(gateway.url()).netloc}


def test_a_key_that_is_entered_is_sent(browser: Browser, gateway: GatewayProcess) -> None:
    with opened(browser) as opened_page:
        page = opened_page.page
        page.goto(f"{gateway.url()}/docs")
        page.get_by_role("button", name="Authorize").click()
        dialog = page.locator(".auth-container").filter(has_text="X-API-Key")
        dialog.locator("input").fill("the-key-that-was-entered")
        dialog.get_by_role("button", name="Apply credentials").click()
        page.get_by_role("button", name="Close").last.click()
        block = page.locator("#operations-cameras-cameras_cameras_get")
        block.click()
        block.get_by_role("button", name="Try it out").click()
        with page.expect_request(lambda request: request.url.endswith("/cameras")) as found:
            block.get_by_role("button", name="Execute").click()
        assert found.value.headers["x-api-key"] == "the-key-that-was-entered"
        stored = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
        assert "the-key-that-was-entered" not in stored


def test_an_inline_script_does_not_run(browser: Browser, gateway: GatewayProcess) -> None:
    with browser.new_context() as profile:
        page = profile.new_page()
        page.goto(f"{gateway.url()}/docs")
        page.evaluate("""() => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            document.body.append(script);
        }""")
        assert page.evaluate("window.ran === undefined")
