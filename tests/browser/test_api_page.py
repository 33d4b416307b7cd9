"""``/docs`` in a real browser: it lists the operations, executes them, and contacts no other host."""

from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from services.runtime.openapi import operations
from tests.browser.dashboard import TIMEOUT_MS, open_dashboard
from tests.browser.gateway import GatewayProcess


def test_operation_can_be_executed(browser: Browser, gateway: GatewayProcess) -> None:
    with open_dashboard(browser) as dashboard:
        page, hosts = dashboard.page, []
        page.on("request", lambda request: hosts.append(urlsplit(request.url)))
        response = page.goto(f"{gateway.url()}/docs")
        assert response is not None
        assert "unsafe" not in response.headers["content-security-policy"]
        blocks = page.locator(".opblock")
        expect(blocks.first).to_be_visible(timeout=TIMEOUT_MS)
        document = page.request.get(f"{gateway.url()}/openapi.json").json()
        expect(blocks).to_have_count(len(list(operations(document))))

        block = page.locator("#operations-services-services_services_get")
        block.click()
        block.get_by_role("button", name="Try it out").click()
        block.get_by_role("button", name="Execute").click()
        live = block.locator(".live-responses-table")
        expect(live.locator(".response-col_status").last).to_contain_text("200", timeout=TIMEOUT_MS)
        expect(live.locator(".response-col_description").last).to_contain_text("redis")
        assert {url.netloc for url in hosts if url.scheme != "data"} == {urlsplit(gateway.url()).netloc}


def test_entered_key_is_sent(browser: Browser, gateway: GatewayProcess) -> None:
    with open_dashboard(browser) as dashboard:
        page = dashboard.page
        page.goto(f"{gateway.url()}/docs")
        page.get_by_role("button", name="Authorize").click()
        dialog = page.locator(".auth-container").filter(has_text="X-API-Key")
        dialog.locator("input").fill("the-key-that-was-entered")
        dialog.get_by_role("button", name="Apply credentials").click()
        page.get_by_role("button", name="Close").last.click()
        block = page.locator("#operations-cameras-cameras_cameras_get")
        block.click()
        block.get_by_role("button", name="Try it out").click()
        with page.expect_request(lambda request: request.url.endswith("/cameras")) as request_info:
            block.get_by_role("button", name="Execute").click()
        assert request_info.value.headers["x-api-key"] == "the-key-that-was-entered"
        stored = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
        assert "the-key-that-was-entered" not in stored


def test_inline_script_is_blocked(browser: Browser, gateway: GatewayProcess) -> None:
    with browser.new_context() as profile:
        page = profile.new_page()
        page.goto(f"{gateway.url()}/docs")
        page.evaluate("""() => {
            const script = document.createElement('script');
            script.textContent = 'window.hasRun = true';
            document.body.append(script);
        }""")
        assert page.evaluate("window.hasRun === undefined")
