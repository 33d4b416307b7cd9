"""Cameras on the dashboard: what they see, and what is told when something is cut and comes back."""

import csv
import io
import json
import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from launcher.ports import free_port
from tests.browser.dashboard import EMOTIONS, PATIENCE_MS, bars, opened, shows
from tests.browser.stack import Stack
from tests.support import images
from tests.support.mjpeg_server import mjpeg_camera
from tests.support.waiting import wait_until


def test_the_demo_feeds_emotions_are_read_from_the_page(browser: Browser, stack: Stack) -> None:
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        card = dashboard.camera()
        read = bars(card, "happy")
        assert list(read) == EMOTIONS
        assert max(read, key=lambda emotion: read[emotion]) == "happy"
        assert 95 <= sum(read.values()) <= 105
        expect(card.locator(".pill")).to_have_text("live")
        expect(card.locator(".box .tag").first).to_be_visible()
        expect(card.locator(".figures")).to_contain_text(re.compile(r"Frame rate\s*[1-9][\d.]* /s\s*Age\s*\d+ m?s"))
        shows(card, "neutral")
        for service in ("gateway", "redis", "detector", "model"):
            expect(dashboard.service(service)).to_contain_text("ok")
        expect(card.locator(".timeline canvas")).to_have_attribute(
            "aria-label", re.compile(r"Last five minutes of cam0: .*happy \d+ %"), timeout=PATIENCE_MS
        )
        expect(dashboard.banner()).to_be_hidden()
        expect(dashboard.page.locator(".notice")).to_contain_text(
            "A camera is watching. Pictures are analysed and forgotten"
        )


def test_boxes_stand_on_the_face(browser: Browser, stack: Stack) -> None:
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        card = dashboard.camera()
        # In one look, since the face moves: the box's shape, and what is under its middle.
        find = """card => {
            if (!card.querySelector(".box")?.checkVisibility()) return null;
            const canvas = card.querySelector(".picture");
            const whole = canvas.getBoundingClientRect();
            const part = card.querySelector(".box").getBoundingClientRect();
            const x = Math.round((part.x + part.width / 2 - whole.x) / whole.width * canvas.width);
            const y = Math.round((part.y + part.height / 2 - whole.y) / whole.height * canvas.height);
            const [red, green, blue, alpha] = canvas.getContext("2d").getImageData(x, y, 1, 1).data;
            if (alpha === 0) return null;  // a result may come before the first picture
            return {square: part.width / part.height, red, blue};
        }"""
        box = wait_until(lambda: card.evaluate(find), "a box")
        assert box["red"] > box["blue"] + 20, (
            "the middle of a face has the colour of skin, and the canvas around the portrait is gray"
        )
        assert 0.9 < box["square"] < 1.1


def test_the_numbers_shown_are_saved(browser: Browser, stack: Stack) -> None:
    with opened(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        expect(dashboard.camera().locator(".timeline canvas")).to_have_attribute(
            "aria-label", re.compile("happy.*neutral|neutral.*happy"), timeout=PATIENCE_MS
        )
        saved = {}
        for button in ("Save as CSV", "Save as JSON lines"):
            with dashboard.page.expect_download() as download:
                dashboard.page.get_by_role("button", name=button).locator("visible=true").click()
            saved[button] = (download.value.suggested_filename, Path(download.value.path()).read_text("utf-8"))
        name, text = saved["Save as CSV"]
        assert re.fullmatch(r"cameras-[\dT-]+\.csv", name)
        rows = list(csv.DictReader(io.StringIO(text)))
        name, text = saved["Save as JSON lines"]
        assert re.fullmatch(r"cameras-[\dT-]+\.jsonl", name)
        objects = [json.loads(line) for line in text.splitlines()]
    assert {"happy", "neutral"} <= {row["emotion"] for row in rows}
    assert {row["source"] for row in rows} == {"cam0"}
    with_face = [found for found in objects if found["emotion"]]
    assert with_face
    assert all(abs(sum(found[emotion] for emotion in EMOTIONS) - 1) < 1e-3 for found in with_face)
    assert [row["time"] for row in rows][:3] == [found["time"] for found in objects][:3]


def test_a_camera_that_is_cut_is_told_and_comes_back_without_a_reload(browser: Browser, stack: Stack) -> None:
    with (
        stack.another_redis() as redis,
        mjpeg_camera(images.encode(images.one_face())) as camera,
        stack.another_capture(redis, f"door={camera.url()},cam0=demo", stall_s="2", reconnect_max_s="0.5"),
        stack.another_gateway(
            {"EMOTION_GATEWAY_REDIS_URL": redis.url, "EMOTION_GATEWAY_MAX_FRAME_AGE_S": "2"}
        ) as gateway,
        opened(browser) as dashboard,
    ):
        dashboard.open(gateway.url())
        card = dashboard.camera("door")
        shows(card, "happy")
        camera.working.clear()
        expect(card.locator(".stage-words")).to_contain_text("No picture comes from this camera")
        expect(card.locator(".pill")).to_have_text("reconnecting", timeout=PATIENCE_MS)
        expect(card.locator(".box:visible")).to_have_count(0)
        expect(card.locator(".face:visible")).to_have_count(0)
        expect(dashboard.page.locator("#news")).to_contain_text("door: No picture")
        expect(dashboard.camera("cam0").locator(".pill")).to_have_text("live")
        camera.working.set()
        shows(card, "happy")
        expect(card.locator(".stage-words")).to_be_hidden()
        expect(card.locator(".pill")).to_have_text("live")
        assert dashboard.was_never_reloaded()


def test_a_service_that_is_gone_is_named_and_its_return_seen(browser: Browser, stack: Stack) -> None:
    port = free_port()
    settings = {"EMOTION_GATEWAY_DETECTOR_URL": f"http://127.0.0.1:{port}"}
    with stack.another_gateway(settings) as gateway, opened(browser) as dashboard:
        dashboard.open(gateway.url())
        expect(dashboard.banner()).to_contain_text("No faces are found: the detector doesn't answer")
        expect(dashboard.service("detector")).to_contain_text("down")
        expect(dashboard.camera().locator(".stage-words")).to_contain_text("the detector doesn't answer")
        # The camera itself works, so its picture goes on.
        expect(dashboard.camera().locator(".stage[data-words='ribbon']")).to_be_visible(timeout=PATIENCE_MS)
        with stack.another_detector(port):
            shows(dashboard.camera(), "happy")
            expect(dashboard.banner()).to_be_hidden(timeout=PATIENCE_MS)
            expect(dashboard.service("detector")).to_contain_text("ok")
            assert dashboard.was_never_reloaded()


def test_redis_gone_leaves_the_rest_and_says_so(browser: Browser, stack: Stack) -> None:
    settings = {"EMOTION_GATEWAY_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    with stack.another_gateway(settings) as gateway, opened(browser) as dashboard:
        dashboard.open(gateway.url())
        expect(dashboard.banner()).to_contain_text("Cameras can't be seen: Redis doesn't answer")
        expect(dashboard.banner()).to_contain_text("still work")


def test_a_gateway_that_is_gone_is_told_and_its_return_seen(browser: Browser, stack: Stack) -> None:
    port = free_port()
    with stack.another_gateway(port=port) as first, opened(browser) as dashboard:
        dashboard.open(first.url())
        shows(dashboard.camera(), "happy")
        first.kill()
        expect(dashboard.banner()).to_contain_text("The gateway doesn’t answer")
        expect(dashboard.banner()).to_contain_text(re.compile("Next try in|Trying"))
        expect(dashboard.service("gateway")).to_contain_text("down")
        with stack.another_gateway(port=port):
            expect(dashboard.banner()).to_be_hidden(timeout=PATIENCE_MS)
            expect(dashboard.camera().locator(".pill")).to_have_text("live", timeout=PATIENCE_MS)
            shows(dashboard.camera(), "happy")
            assert dashboard.was_never_reloaded()


def test_more_cameras_than_a_browser_opens_connections_are_shown(browser: Browser, stack: Stack) -> None:
    names = [f"cam{number}" for number in range(9)]
    with (
        stack.another_redis() as redis,
        stack.another_capture(redis, ",".join(f"{name}=demo" for name in names), fps="1"),
        stack.another_gateway({"EMOTION_GATEWAY_REDIS_URL": redis.url}) as gateway,
        opened(browser) as dashboard,
    ):
        dashboard.open(gateway.url())
        for name in names:
            expect(dashboard.camera(name).locator(".pill")).to_have_text("live", timeout=PATIENCE_MS)
        expect(dashboard.service("redis")).to_contain_text("ok")
