"""Where the gateway has keys, the page asks for one, keeps it for this tab alone, and sends it as the API wants."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.dashboard import PATIENCE_MS, opened, shows
from tests.browser.stack import Stack

KEY = "open sesame & überall"


@pytest.mark.parametrize("key", ["secret", KEY])
def test_the_page_asks_for_a_key_and_goes_on_with_it(browser: Browser, stack: Stack, key: str) -> None:
    with stack.another_gateway({"EMOTION_GATEWAY_API_KEYS": key}) as gateway, opened(browser) as dashboard:
        page = dashboard.page
        dashboard.open(gateway.url())
        dialog = page.get_by_role("dialog", name="A key, please")
        expect(dialog).to_be_visible(timeout=PATIENCE_MS)
        for _ in range(3):
            page.keyboard.press("Escape")
            expect(dialog).to_be_visible()
        page.get_by_label("API key").fill("wrong")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("That key isn't known", timeout=PATIENCE_MS)
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Go on").click()
        expect(dialog).to_be_hidden()
        shows(dashboard.camera(), "happy")
        assert page.evaluate("Object.values(localStorage)") == []
        assert page.evaluate("document.cookie") == ""
        assert key not in page.url
        page.reload()
        shows(dashboard.camera(), "happy")
        expect(dialog).to_be_hidden()

        with page.context.expect_page() as another:
            page.evaluate("window.open(location.href, '_blank', 'noopener')")
        expect(another.value.get_by_role("dialog", name="A key, please")).to_be_visible(timeout=PATIENCE_MS)

        page.get_by_role("button", name="Forget the key").click()
        expect(dialog).to_be_visible(timeout=PATIENCE_MS)
        assert page.evaluate("Object.values(sessionStorage)") == []


def test_where_there_are_no_keys_nobody_is_asked(browser: Browser, stack: Stack) -> None:
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        expect(dashboard.camera().locator(".pill")).to_have_text(re.compile("live"), timeout=PATIENCE_MS)
        expect(dashboard.page.get_by_role("dialog")).to_be_hidden()
        expect(dashboard.page.get_by_role("button", name="Forget the key")).to_be_hidden()
