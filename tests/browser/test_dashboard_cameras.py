"""The cameras tab: results, and the display of failures and recoveries without a reload."""

import csv
import io
import json
import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from launcher.ports import free_port
from tests.browser.dashboard import (
    EMOTIONS,
    TIMEOUT_MS,
    expect_emotion,
    expect_service,
    expect_state,
    metric,
    open_dashboard,
    wait_for_bars,
)
from tests.browser.stack import Stack
from tests.support import images
from tests.support.mjpeg_server import mjpeg_camera
from tests.support.waiting import wait_until

BOX_CENTER = """card => {
    if (!card.querySelector(".box")?.checkVisibility()) return null;
    const canvas = card.querySelector("canvas.picture");
    const whole = canvas.getBoundingClientRect();
    const part = card.querySelector(".box").getBoundingClientRect();
    const x = Math.round((part.x + part.width / 2 - whole.x) / whole.width * canvas.width);
    const y = Math.round((part.y + part.height / 2 - whole.y) / whole.height * canvas.height);
    const [red, green, blue, alpha] = canvas.getContext("2d").getImageData(x, y, 1, 1).data;
    if (alpha === 0) return null;  // a result may arrive before the first frame
    return {ratio: part.width / part.height, red, blue};
}"""
"""The ratio of the first box, and the pixel at its centre. All in one call, since the face moves."""


def test_results_of_the_demo_feed(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        card = dashboard.camera()
        bars = wait_for_bars(card, "happy")
        assert list(bars) == EMOTIONS
        assert max(bars, key=lambda emotion: bars[emotion]) == "happy"
        assert 95 <= sum(bars.values()) <= 105
        expect_state(card, "online")
        expect(card.locator(".box-label").first).to_be_visible()
        expect(metric(card, "Frame rate")).to_have_text(re.compile(r"^[1-9][\d.]* fps$"))
        expect(metric(card, "Age")).to_have_text(re.compile(r"^\d+ m?s$"))
        expect_emotion(card, "neutral")
        for service in ("gateway", "redis", "detector", "model"):
            expect_service(dashboard, service, "good")
        expect(card.locator(".timeline canvas")).to_have_attribute(
            "aria-label", re.compile(r"cam0: .*happy \d+%"), timeout=TIMEOUT_MS
        )
        expect(dashboard.banner()).to_be_hidden()
        expect(dashboard.page.locator("#active-cameras")).to_contain_text("1 camera")


def test_boxes_are_on_the_face(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        card = dashboard.camera()
        center = wait_until(lambda: card.evaluate(BOX_CENTER), "a box")
        assert center["red"] > center["blue"] + 20, "skin is red, the background of the portrait is gray"
        assert 0.9 < center["ratio"] < 1.1


def test_data_can_be_downloaded(browser: Browser, stack: Stack) -> None:
    with open_dashboard(browser) as dashboard:
        dashboard.open(stack.gateway.url())
        expect(dashboard.camera().locator(".timeline canvas")).to_have_attribute(
            "aria-label", re.compile("happy.*neutral|neutral.*happy"), timeout=TIMEOUT_MS
        )
        files = {}
        for kind in ("CSV", "JSON Lines"):
            with dashboard.page.expect_download() as download:
                dashboard.panel("cameras").get_by_role("button", name=kind).click()
            files[kind] = (download.value.suggested_filename, Path(download.value.path()).read_text("utf-8"))
        name, text = files["CSV"]
        assert re.fullmatch(r"cameras-[\dT-]+\.csv", name)
        rows = list(csv.DictReader(io.StringIO(text)))
        name, text = files["JSON Lines"]
        assert re.fullmatch(r"cameras-[\dT-]+\.jsonl", name)
        objects = [json.loads(line) for line in text.splitlines()]
    assert {"happy", "neutral"} <= {row["emotion"] for row in rows}
    assert {row["source"] for row in rows} == {"cam0"}
    with_face = [row for row in objects if row["emotion"]]
    assert with_face
    assert all(abs(sum(row[emotion] for emotion in EMOTIONS) - 1) < 1e-3 for row in with_face)
    assert [row["time"] for row in rows][:3] == [row["time"] for row in objects][:3]


def test_lost_camera_is_shown_and_recovers(browser: Browser, stack: Stack) -> None:
    with (
        stack.another_redis() as redis,
        mjpeg_camera(images.encode(images.one_face())) as camera,
        stack.another_capture(redis, f"door={camera.url()},cam0=demo", stall_s="2", reconnect_max_s="0.5"),
        stack.another_gateway(
            {"EMOTION_GATEWAY_REDIS_URL": redis.url, "EMOTION_GATEWAY_MAX_FRAME_AGE_S": "2"}
        ) as gateway,
        open_dashboard(browser) as dashboard,
    ):
        dashboard.open(gateway.url())
        card = dashboard.camera("door")
        expect_emotion(card, "happy")
        camera.working.clear()
        expect(card.locator(".stage-message")).to_be_visible(timeout=TIMEOUT_MS)
        expect_state(card, "reconnecting")
        expect(card.locator(".box:visible")).to_have_count(0)
        expect(card.locator(".face:visible")).to_have_count(0)
        expect(dashboard.announcements()).to_contain_text("door")
        expect_state(dashboard.camera("cam0"), "online")
        camera.working.set()
        expect_emotion(card, "happy")
        expect(card.locator(".stage-message")).to_be_hidden()
        expect_state(card, "online")
        assert dashboard.was_not_reloaded()


def test_lost_detector_is_named_and_recovers(browser: Browser, stack: Stack) -> None:
    port = free_port()
    settings = {"EMOTION_GATEWAY_DETECTOR_URL": f"http://127.0.0.1:{port}"}
    with stack.another_gateway(settings) as gateway, open_dashboard(browser) as dashboard:
        dashboard.open(gateway.url())
        expect(dashboard.banner()).to_contain_text("detector", timeout=TIMEOUT_MS)
        expect_service(dashboard, "detector", "bad")
        expect(dashboard.camera().locator(".stage-message")).to_contain_text("detector")
        # The camera works, so its video continues and the message is below it.
        expect(dashboard.camera().locator(".stage[data-message='ribbon']")).to_be_visible(timeout=TIMEOUT_MS)
        with stack.another_detector(port):
            expect_emotion(dashboard.camera(), "happy")
            expect(dashboard.banner()).to_be_hidden(timeout=TIMEOUT_MS)
            expect_service(dashboard, "detector", "good")
            assert dashboard.was_not_reloaded()


def test_lost_redis_is_named(browser: Browser, stack: Stack) -> None:
    settings = {"EMOTION_GATEWAY_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    with stack.another_gateway(settings) as gateway, open_dashboard(browser) as dashboard:
        dashboard.open(gateway.url())
        expect(dashboard.banner()).to_contain_text("Redis", timeout=TIMEOUT_MS)
        expect_service(dashboard, "redis", "bad")


def test_lost_gateway_is_shown_and_recovers(browser: Browser, stack: Stack) -> None:
    port = free_port()
    with stack.another_gateway(port=port) as first, open_dashboard(browser) as dashboard:
        dashboard.open(first.url())
        expect_emotion(dashboard.camera(), "happy")
        first.kill()
        expect(dashboard.banner()).to_contain_text("gateway", timeout=TIMEOUT_MS)
        expect(dashboard.banner().get_by_role("button")).to_be_visible()
        expect(dashboard.banner().locator(".banner-countdown")).not_to_be_empty()
        expect_service(dashboard, "gateway", "bad")
        with stack.another_gateway(port=port):
            expect(dashboard.banner()).to_be_hidden(timeout=TIMEOUT_MS)
            expect_state(dashboard.camera(), "online")
            expect_emotion(dashboard.camera(), "happy")
            assert dashboard.was_not_reloaded()


def test_more_cameras_than_connections_per_host(browser: Browser, stack: Stack) -> None:
    """Browsers open six HTTP/1.1 connections per host; WebSockets do not count."""
    names = [f"cam{number}" for number in range(9)]
    with (
        stack.another_redis() as redis,
        stack.another_capture(redis, ",".join(f"{name}=demo" for name in names), fps="1"),
        stack.another_gateway({"EMOTION_GATEWAY_REDIS_URL": redis.url}) as gateway,
        open_dashboard(browser) as dashboard,
    ):
        dashboard.open(gateway.url())
        for name in names:
            expect_state(dashboard.camera(name), "online")
        expect_service(dashboard, "redis", "good")
