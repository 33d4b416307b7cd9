"""The webcam tab, in a browser whose fake webcam plays a film of the demo feed's portraits."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Chromium
from tests.browser.dashboard import (
    EMOTIONS,
    TIMEOUT_MS,
    expect_emotion,
    metric,
    open_dashboard,
    wait_for_bars,
)
from tests.browser.stack import Stack
from tests.support import images

FAKE_WEBCAM = "--use-fake-device-for-media-stream"
GRANT_ACCESS = "--use-fake-ui-for-media-stream"

RECORD_MESSAGES = """
const log = window.messageLog = [];
const faces = window.loggedFaces = [];
window.WebSocket = class extends WebSocket {
    constructor(url) {
        super(url);
        if (String(url).includes('/ws/predict')) this.addEventListener('message', ({data}) => {
            log.push('result');
            faces.push(...JSON.parse(data).faces.map(({face_id, smoothed}) => ({face_id, smoothed})));
        });
    }
    send(data) {
        log.push('frame');
        super.send(data);
    }
};
"""
"""Logs frames and results in their order, which Playwright's events do not guarantee, and the faces of the results."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two portraits, four seconds each; Chromium's fake webcam repeats it."""
    path = tmp_path_factory.mktemp("film") / "faces.mjpeg"
    smiling, serious = (images.encode(images.one_face(of)) for of in (images.SMILING, images.SERIOUS))
    path.write_bytes(smiling * 120 + serious * 120)
    return path


def test_results_of_the_webcam(chromium: Chromium, stack: Stack, film: Path) -> None:
    with (
        chromium.started(FAKE_WEBCAM, GRANT_ACCESS, f"--use-file-for-fake-video-capture={film}") as browser,
        open_dashboard(browser) as dashboard,
    ):
        dashboard.page.add_init_script(RECORD_MESSAGES)
        dashboard.open(stack.gateway.url(), "webcam")
        page, card = dashboard.page, dashboard.panel("webcam")
        start, stop = page.get_by_role("button", name="Start"), page.get_by_role("button", name="Stop")
        frame, message = card.locator("canvas.picture"), card.locator(".stage-message")
        video_is_off = "video => video.srcObject === null"
        expect(message).to_be_visible()
        start.click()
        bars = wait_for_bars(card, "happy")
        expect(page.locator("#active-cameras")).to_contain_text("webcam")
        assert list(bars) == EMOTIONS
        assert max(bars, key=lambda emotion: bars[emotion]) == "happy"
        expect(card.locator(".box-label").first).to_contain_text("happy")
        expect(frame).to_be_visible()
        expect_emotion(card, "neutral")
        expect(metric(card, "Frame rate")).to_have_text(re.compile(r"^[\d.]+ fps$"))
        expect(metric(card, "Response time")).to_have_text(re.compile(r"^\d+ ms$"))
        # The video is mirrored: the portrait is left of the middle of the film, and its box is right of it.
        stage, box = card.locator(".stage").bounding_box(), card.locator(".box").first.bounding_box()
        assert stage is not None
        assert box is not None
        assert box["x"] + box["width"] / 2 > stage["x"] + 0.51 * stage["width"]
        log = page.evaluate("messageLog")
        assert len(log) > 10
        assert log == (["frame", "result"] * len(log))[: len(log)], "the next frame is sent after the result"
        faces = page.evaluate("loggedFaces")
        assert all(face["face_id"] and list(face["smoothed"]) == EMOTIONS for face in faces), "faces are tracked"
        assert len({face["face_id"] for face in faces}) < len(faces) / 3, "ids are stable"

        stop.click()
        expect(message).to_be_visible()
        expect(frame).to_be_hidden()
        assert page.locator("video").evaluate(video_is_off)
        start.click()
        expect(message).to_be_hidden(timeout=TIMEOUT_MS)
        dashboard.select_tab("Images")
        assert page.locator("video").evaluate(video_is_off), "another tab turns the webcam off"


def test_denied_access_is_explained(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser, permissions=[]) as dashboard:
        dashboard.page.add_init_script(
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
        )
        dashboard.open(stack.gateway.url(), "webcam")
        start = dashboard.page.get_by_role("button", name="Start")
        start.click()
        expect(dashboard.panel("webcam").locator(".stage-message")).to_contain_text("denied")
        expect(dashboard.announcements()).to_contain_text("denied")
        expect(start).to_be_enabled()


def test_missing_webcam_is_explained(chromium: Chromium, stack: Stack) -> None:
    switch = f"{FAKE_WEBCAM}=device-count=0"
    with chromium.started(switch, GRANT_ACCESS) as browser, open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url(), "webcam")
        dashboard.page.get_by_role("button", name="Start").click()
        expect(dashboard.panel("webcam").locator(".stage-message")).to_contain_text("No webcam")


def test_insecure_page_is_explained(browser: Browser, stack: Stack) -> None:
    """Plain HTTP by name is not a secure context, so the browser offers no webcam."""
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url("cam.example"), "webcam")
        message = dashboard.panel("webcam").locator(".stage-message")
        expect(message).to_contain_text("HTTPS")
        expect(message).to_contain_text(stack.gateway.url("localhost"))
        expect(dashboard.page.get_by_role("button", name="Start")).to_be_hidden()
        dashboard.select_tab("Cameras")
        expect_emotion(dashboard.camera(), "happy")
