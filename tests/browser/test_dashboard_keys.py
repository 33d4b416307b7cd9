"""API keys on the dashboard: the page requests one, stores it for its tab only, and sends it with every request."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.dashboard import TIMEOUT_MS, expect_emotion, expect_state, open_dashboard
from tests.browser.stack import Stack

KEY = "open sesame & überall"


@pytest.mark.parametrize("key", ["secret", KEY])
def test_page_requests_a_key(browser: Browser, stack: Stack, key: str) -> None:
    with stack.another_gateway({"EMOTION_GATEWAY_API_KEYS": key}) as gateway, open_dashboard(browser) as dashboard:
        page = dashboard.page
        dashboard.open(gateway.url())
        dialog, field = page.get_by_role("dialog"), page.locator("#key-field")
        expect(dialog).to_be_visible(timeout=TIMEOUT_MS)
        for _ in range(3):
            page.keyboard.press("Escape")
            expect(dialog).to_be_visible()
        field.fill("wrong")
        page.keyboard.press("Enter")
        expect(field).to_have_attribute("aria-invalid", "true", timeout=TIMEOUT_MS)
        field.fill(key)
        dialog.get_by_role("button").click()
        expect(dialog).to_be_hidden()
        expect_emotion(dashboard.camera(), "happy")
        assert page.evaluate("Object.values(localStorage)") == []
        assert page.evaluate("document.cookie") == ""
        assert key not in page.url
        page.reload()
        expect_emotion(dashboard.camera(), "happy")
        expect(dialog).to_be_hidden()

        with page.context.expect_page() as another:
            page.evaluate("window.open(location.href, '_blank', 'noopener')")
        expect(another.value.get_by_role("dialog")).to_be_visible(timeout=TIMEOUT_MS)

        page.locator("#remove-key").click()
        expect(dialog).to_be_visible(timeout=TIMEOUT_MS)
        assert page.evaluate("Object.values(sessionStorage)") == []
        expect(field).to_be_focused()


def test_page_without_keys_requests_none(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        expect_state(dashboard.camera(), "online")
        expect(dashboard.page.get_by_role("dialog")).to_be_hidden()
        expect(dashboard.page.locator("#remove-key")).to_be_hidden()
