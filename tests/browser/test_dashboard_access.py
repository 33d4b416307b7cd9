"""Accessibility of the dashboard: axe checks, keyboard, small screens, themes, reduced motion, high contrast."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.dashboard import TIMEOUT_MS, Dashboard, expect_emotion, expect_service, open_dashboard
from tests.browser.stack import Stack
from tests.support import images
from tests.support.waiting import wait_until

TABS = ["cameras", "webcam", "images"]
IMPACTS = ("serious", "critical")


def fill(dashboard: Dashboard, tab: str) -> None:
    """Wait until a tab has content."""
    if tab == "cameras":
        expect_emotion(dashboard.camera(), "happy")
    elif tab == "images":
        dashboard.choose(("two.jpg", images.encode(images.two_faces())), ("bad.jpg", b"no image"))
        expect(dashboard.panel("images").locator("[data-state=pending]")).to_have_count(0, timeout=TIMEOUT_MS)


def violations(page: Page) -> list[str]:
    """Return the serious and critical violations that axe finds, with their elements, in light and dark."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found += [
            f"{scheme}: {violation['impact']} {violation['id']}: {[node['html'] for node in violation['nodes']]}"
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in IMPACTS
        ]
    return found


@pytest.mark.parametrize("tab", TABS)
def test_tab_has_no_serious_violation(browser: Browser, stack: Stack, tab: str) -> None:
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url(), tab)
        fill(dashboard, tab)
        assert violations(dashboard.page) == []


def test_error_state_has_no_serious_violation(browser: Browser, stack: Stack) -> None:
    settings = {"EMOTION_GATEWAY_DETECTOR_URL": "http://127.0.0.1:9"}
    with stack.another_gateway(settings) as gateway, open_dashboard(browser) as dashboard:
        dashboard.open(gateway.url())
        expect(dashboard.banner()).to_be_visible(timeout=TIMEOUT_MS)
        expect_service(dashboard, "detector", "bad")
        expect(dashboard.camera().locator(".stage-message")).to_contain_text("detector")
        assert violations(dashboard.page) == []


def test_key_dialog_has_no_serious_violation(browser: Browser, stack: Stack) -> None:
    settings = {"EMOTION_GATEWAY_API_KEYS": "secret"}
    with stack.another_gateway(settings) as gateway, open_dashboard(browser) as dashboard:
        dashboard.open(gateway.url())
        expect(dashboard.page.get_by_role("dialog")).to_be_visible(timeout=TIMEOUT_MS)
        assert violations(dashboard.page) == []


def test_checker_finds_a_violation(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        dashboard.page.evaluate("document.querySelector('.notice').style.color = 'rgb(220, 220, 220)'")
        assert any("color-contrast" in violation for violation in violations(dashboard.page))


@pytest.mark.parametrize("tab", TABS)
def test_page_fits_a_phone(browser: Browser, stack: Stack, tab: str) -> None:
    with open_dashboard(browser, viewport={"width": 360, "height": 740}, has_touch=True) as dashboard:
        dashboard.open(stack.gateway.url(), tab)
        fill(dashboard, tab)
        assert dashboard.page.evaluate("document.documentElement.scrollWidth") == 360
        overflowing = dashboard.page.evaluate("""[...document.querySelectorAll('main *, header *')]
            .filter((node) => node.checkVisibility() && !node.closest('.boxes, .visually-hidden, .chooser-name'))
            .filter((node) => node.getBoundingClientRect().right > 360).map((node) => node.className)""")
        assert overflowing == []


def test_tabs_work_by_keyboard(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser) as dashboard:
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
        assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
        page.keyboard.press("End")
        page.keyboard.press("Tab")
        expect(page.locator("#image-files")).to_be_focused()


def test_skip_link_is_the_first_focus(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        dashboard.page.keyboard.press("Tab")
        skip_link = dashboard.page.locator("a[href='#main']")
        expect(skip_link).to_be_focused()
        expect(skip_link).to_be_in_viewport()


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_theme_is_stored(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser, color_scheme="light") as dashboard:
        dashboard.open(stack.gateway.url())
        page = dashboard.page
        light = background(page)
        page.get_by_label("Theme").select_option(value="dark")
        dark = background(page)
        assert dark != light
        page.reload()
        assert background(page) == dark
        expect(page.get_by_label("Theme")).to_have_value("dark")
        page.get_by_label("Theme").select_option(value="auto")
        assert background(page) == light
        page.emulate_media(color_scheme="dark")
        assert background(page) == dark


def test_reduced_motion_disables_transitions(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        expect_emotion(dashboard.camera(), "happy")
        durations = []
        for motion in ("no-preference", "reduce"):
            dashboard.page.emulate_media(reduced_motion=motion)
            durations.append(
                dashboard.page.evaluate("getComputedStyle(document.querySelector('.fill')).transitionDuration")
            )
    assert durations[1] == "0s" != durations[0]


COUNT_COLORS = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colors = new Set();
    for (let at = 0; at < data.length; at += 4) if (data[at + 3]) colors.add(`${data.slice(at, at + 3)}`);
    return colors.size;
}"""


def test_high_contrast_keeps_data_visible(browser: Browser, stack: Stack) -> None:
    """Forced colors replace all backgrounds and borders unless the style sheet opts out."""
    with open_dashboard(browser, forced_colors="active") as dashboard:
        dashboard.open(stack.gateway.url())
        expect_emotion(dashboard.camera(), "happy")
        page = dashboard.page
        background_of = "node => getComputedStyle(node, {pseudo}).backgroundColor"
        canvas = background(page)
        top_bar = page.locator(".face [data-top=true] .fill").first
        assert top_bar.evaluate(background_of.format(pseudo="null")) != canvas
        state_dot = page.locator("[data-service=redis]")
        assert state_dot.evaluate(background_of.format(pseudo="'::before'")) != canvas
        border_of = "node => getComputedStyle(node).borderBottomColor"
        selected, other = page.get_by_role("tab", selected=True), page.get_by_role("tab", selected=False).first
        assert selected.evaluate(border_of) != other.evaluate(border_of)
        timeline = page.locator(".timeline canvas").first
        wait_until(lambda: timeline.evaluate(COUNT_COLORS) > 2, "a timeline whose background and emotions differ")
