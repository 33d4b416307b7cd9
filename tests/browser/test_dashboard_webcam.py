"""The tab of this browser's camera, driven by a browser whose camera plays a film of the demo feed's portraits."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Chromium
from tests.browser.dashboard import EMOTIONS, PATIENCE_MS, bars, opened, shows
from tests.browser.stack import Stack
from tests.support import images

FAKE_CAMERA = "--use-fake-device-for-media-stream"
ALLOWED = "--use-fake-ui-for-media-stream"

RECORD = """
const told = window.told = [];
window.WebSocket = class extends WebSocket {
    constructor(address) {
        super(address);
        if (String(address).includes('/ws/predict')) this.addEventListener('message', () => told.push('answer'));
    }
    send(data) {
        told.push('picture');
        super.send(data);
    }
};
"""
"""Notes when pictures go and answers come. Playwright's own events for that come in no order."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One portrait and then the other, four seconds each, as Chromium's fake camera plays it again and again."""
    path = tmp_path_factory.mktemp("film") / "faces.mjpeg"
    smiling, serious = (images.encode(images.one_face(of)) for of in (images.SMILING, images.SERIOUS))
    path.write_bytes(smiling * 120 + serious * 120)
    return path


def test_the_emotions_before_this_browsers_camera_are_read(chromium: Chromium, stack: Stack, film: Path) -> None:
    with (
        chromium.started(FAKE_CAMERA, ALLOWED, f"--use-file-for-fake-video-capture={film}") as browser,
        opened(browser) as dashboard,
    ):
        dashboard.open(stack.gateway.url(), "webcam")
        page, card = dashboard.page, dashboard.page.locator("#panel-webcam")
        expect(card.locator(".stage-words")).to_contain_text("The camera is off")
        page.get_by_role("button", name="Start camera").click()
        read = bars(card, "happy")
        expect(page.locator(".notice")).to_contain_text("this browser’s camera are watching")
        assert list(read) == EMOTIONS
        assert max(read, key=lambda emotion: read[emotion]) == "happy"
        expect(card.locator(".box .tag").first).to_contain_text("happy")
        shows(card, "neutral")
        expect(card.locator(".figures")).to_contain_text(re.compile(r"Frame rate\s*[\d.]+ /s\s*Answer after\s*\d+ ms"))
        # As in a mirror: the portrait stands left of the middle of the film, and its box right of it.
        stage, box = card.locator(".stage").bounding_box(), card.locator(".box").first.bounding_box()
        assert stage is not None
        assert box is not None
        assert box["x"] + box["width"] / 2 > stage["x"] + 0.51 * stage["width"]

        page.get_by_role("button", name="Stop camera").click()
        expect(card.locator(".stage-words")).to_contain_text("The camera is off")
        assert page.locator("video").evaluate("video => video.srcObject === null")
        page.get_by_role("button", name="Start camera").click()
        expect(card.locator(".stage-words")).to_be_hidden(timeout=PATIENCE_MS)
        page.get_by_role("tab", name="Images").click()
        assert page.locator("video").evaluate("video => video.srcObject === null"), "it is off where nobody looks"


def test_the_next_picture_is_sent_when_the_answer_came(chromium: Chromium, stack: Stack, film: Path) -> None:
    with (
        chromium.started(FAKE_CAMERA, ALLOWED, f"--use-file-for-fake-video-capture={film}") as browser,
        opened(browser) as dashboard,
    ):
        dashboard.page.add_init_script(RECORD)
        dashboard.open(stack.gateway.url(), "webcam")
        dashboard.page.get_by_role("button", name="Start camera").click()
        for _ in range(2):
            shows(dashboard.page.locator("#panel-webcam"), "happy")
            shows(dashboard.page.locator("#panel-webcam"), "neutral")
        told = dashboard.page.evaluate("told")
    assert len(told) > 10
    assert told == (["picture", "answer"] * len(told))[: len(told)]


def test_a_camera_that_is_not_allowed(browser: Browser, stack: Stack) -> None:
    with opened(browser, permissions=[]) as dashboard:
        dashboard.page.add_init_script(
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
        )
        dashboard.open(stack.gateway.url(), "webcam")
        dashboard.page.get_by_role("button", name="Start camera").click()
        expect(dashboard.page.locator("#panel-webcam .stage-words")).to_contain_text("The camera was not allowed")
        expect(dashboard.page.locator("#news")).to_contain_text("The camera was not allowed")
        expect(dashboard.page.get_by_role("button", name="Start camera")).to_be_enabled()


def test_no_camera(chromium: Chromium, stack: Stack) -> None:
    with chromium.started(f"{FAKE_CAMERA}=device-count=0", ALLOWED) as browser, opened(browser) as dashboard:
        dashboard.open(stack.gateway.url(), "webcam")
        dashboard.page.get_by_role("button", name="Start camera").click()
        expect(dashboard.page.locator("#panel-webcam .stage-words")).to_contain_text("No camera was found")


def test_a_page_that_may_not_ask_says_why(browser: Browser, stack: Stack) -> None:
    """Over plain HTTP by name it is no secure context."""
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url("cam.example"), "webcam")
        words = dashboard.page.locator("#panel-webcam .stage-words")
        expect(words).to_contain_text("only to pages on localhost or HTTPS")
        expect(words).to_contain_text(stack.gateway.url("localhost"))
        expect(dashboard.page.get_by_role("button", name="Start camera")).to_be_hidden()
        dashboard.page.get_by_role("tab", name="Cameras").click()
        shows(dashboard.camera(), "happy")
