"""The dashboard for everyone: by keyboard, by screen reader, on a phone, in light and dark, without motion."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.dashboard import PATIENCE_MS, Dashboard, opened, shows
from tests.browser.stack import Stack
from tests.support import images

TABS = ["cameras", "webcam", "images"]
WORST = ("serious", "critical")


def fill(dashboard: Dashboard, tab: str) -> None:
    """Have something on a tab."""
    if tab == "cameras":
        shows(dashboard.camera(), "happy")
    elif tab == "images":
        dashboard.choose(("two.jpg", images.encode(images.two_faces())), ("bad.jpg", b"no image"))
        expect(dashboard.page.locator("#panel-images .pill").get_by_text("working")).to_have_count(
            0, timeout=PATIENCE_MS
        )


def violations(page: Page) -> list[str]:
    """Return what the checker finds serious or critical, with the elements."""
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['impact']} {violation['id']}: {[node['html'] for node in violation['nodes']]}"
        for violation in found
        if violation["impact"] in WORST
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", TABS)
def test_the_checker_finds_nothing_serious(browser: Browser, stack: Stack, tab: str, scheme: str) -> None:
    with opened(browser, color_scheme=scheme) as dashboard:
        dashboard.open(stack.gateway.url(), tab)
        fill(dashboard, tab)
        assert violations(dashboard.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_checker_finds_nothing_serious_where_something_is_wrong(
    browser: Browser, stack: Stack, scheme: str
) -> None:
    settings = {"EMOTION_GATEWAY_DETECTOR_URL": "http://127.0.0.1:9"}
    with stack.another_gateway(settings) as gateway, opened(browser, color_scheme=scheme) as dashboard:
        dashboard.open(gateway.url())
        expect(dashboard.banner()).to_contain_text("No faces are found")
        expect(dashboard.camera().locator(".stage-words")).to_contain_text("the detector")
        assert violations(dashboard.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_checker_finds_nothing_serious_where_a_key_is_asked_for(
    browser: Browser, stack: Stack, scheme: str
) -> None:
    with (
        stack.another_gateway({"EMOTION_GATEWAY_API_KEYS": "secret"}) as gateway,
        opened(browser, color_scheme=scheme) as dashboard,
    ):
        dashboard.open(gateway.url())
        expect(dashboard.page.get_by_role("dialog")).to_be_visible(timeout=PATIENCE_MS)
        assert violations(dashboard.page) == []


def test_the_checker_sees_what_is_wrong(browser: Browser, stack: Stack) -> None:
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        dashboard.page.evaluate("document.querySelector('.notice').style.color = 'rgb(220, 220, 220)'")
        assert any("color-contrast" in violation for violation in violations(dashboard.page))


@pytest.mark.parametrize("tab", TABS)
def test_nothing_is_wider_than_a_phone(browser: Browser, stack: Stack, tab: str) -> None:
    with opened(browser, viewport={"width": 360, "height": 740}, has_touch=True) as dashboard:
        dashboard.open(stack.gateway.url(), tab)
        fill(dashboard, tab)
        assert dashboard.page.evaluate("document.documentElement.scrollWidth") == 360
        cut = dashboard.page.evaluate("""[...document.querySelectorAll('main *, header *')]
            .filter((node) => node.checkVisibility() && !node.closest('.boxes, .visually-hidden, .chooser-name'))
            .filter((node) => node.getBoundingClientRect().right > 360).map((node) => node.className)""")
        assert cut == []


def test_tabs_are_reached_and_chosen_by_keyboard(browser: Browser, stack: Stack) -> None:
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        page = dashboard.page
        page.get_by_role("tab", name="Cameras").focus()
        for key, name, panel in [
            ("ArrowRight", "Webcam", "webcam"),
            ("End", "Images", "images"),
            ("ArrowRight", "Cameras", "cameras"),
            ("ArrowLeft", "Images", "images"),
            ("Home", "Cameras", "cameras"),
        ]:
            page.keyboard.press(key)
            tab = page.get_by_role("tab", name=name)
            expect(tab).to_be_focused()
            expect(tab).to_have_attribute("aria-selected", "true")
            expect(page.get_by_role("tabpanel", name=name)).to_be_visible()
            expect(page.get_by_role("tabpanel")).to_have_count(1)
            assert page.url.endswith(f"#{panel}")
        page.keyboard.press("End")
        page.keyboard.press("Tab")
        expect(page.locator("#image-files")).to_be_focused()


def test_focus_is_seen(browser: Browser, stack: Stack) -> None:
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        dashboard.page.get_by_role("tab", name="Cameras").focus()
        dashboard.page.keyboard.press("ArrowRight")
        outline = "getComputedStyle(document.activeElement).outlineWidth"
        assert dashboard.page.evaluate(outline) == "3px"


def test_one_may_skip_to_the_content(browser: Browser, stack: Stack) -> None:
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        dashboard.page.keyboard.press("Tab")
        expect(dashboard.page.get_by_role("link", name="Skip to the content")).to_be_focused()
        expect(dashboard.page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()


def ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_the_theme_may_be_chosen_and_is_remembered(browser: Browser, stack: Stack) -> None:
    with opened(browser, color_scheme="light") as dashboard:
        dashboard.open(stack.gateway.url())
        page = dashboard.page
        light = ground(page)
        page.get_by_label("Theme").select_option("dark")
        dark = ground(page)
        assert dark != light
        page.reload()
        assert ground(page) == dark
        page.get_by_label("Theme").select_option("system")
        assert ground(page) == light
        page.emulate_media(color_scheme="dark")
        assert ground(page) == dark


def test_nothing_moves_where_motion_is_unwelcome(browser: Browser, stack: Stack) -> None:
    moves = "getComputedStyle(document.querySelector('.fill')).transitionDuration"
    found = {}
    for motion in ("no-preference", "reduce"):
        with opened(browser, reduced_motion=motion) as dashboard:
            dashboard.open(stack.gateway.url())
            shows(dashboard.camera(), "happy")
            found[motion] = dashboard.page.evaluate(moves)
    assert found["reduce"] == "0s" != found["no-preference"]
