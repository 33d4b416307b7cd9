"""Rendered video: plain, with annotations, and with blurred faces."""

import asyncio
import io
from dataclasses import replace

import pytest
from PIL import Image

from services.contracts.detection import SearchScope
from services.contracts.geometry import Box
from services.gateway.live.latest_value import ClosedError
from services.gateway.live.rendering import DelayBuffer, RenderOptions
from services.gateway.live.results import AnalyzedFrame
from services.gateway.protocols import Frame, KnownCamera
from tests.support.gateway_fakes import ONLINE
from tests.support.live_harness import (
    FACE,
    OTHER_FACE,
    LiveHarness,
    frame_id,
    live_harness,
    next_object,
    numbered_frame,
)


def jpeg() -> bytes:
    """Return stripes, which nothing blurred has."""
    stripes = Image.new("L", (1280, 720))
    stripes.putdata([255 * (x // 4 % 2) for _ in range(720) for x in range(1280)])
    written = io.BytesIO()
    stripes.convert("RGB").save(written, "JPEG", quality=90)
    return written.getvalue()


STRIPES = jpeg()


def show_stripes(harness: LiveHarness, number: int) -> None:
    frame = numbered_frame(number)
    harness.store.cameras["cam0"] = KnownCamera(
        "cam0", ONLINE, replace(frame, message=replace(frame.message, jpeg=STRIPES))
    )


def contrast(picture: bytes, box: Box) -> int:
    inside = Image.open(io.BytesIO(picture)).convert("L").crop((box.x + 20, box.y + 20, box.x + 80, box.y + 80))
    darkest, brightest = inside.getextrema()
    assert isinstance(darkest, int)
    assert isinstance(brightest, int)
    return brightest - darkest


async def test_plain_video_passes_frames_through_without_analysis() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe_video(RenderOptions("cam0", overlay=False, blur=False)) as slot:
            first = await slot.get()
            assert (first.jpeg, first.frame_id) == (b"jpeg 0", frame_id(0))
            harness.show(1)
            assert (await slot.get()).jpeg == b"jpeg 1"
        assert harness.detector.requests == []


async def test_slow_video_viewer_gets_the_newest_frame() -> None:
    async with live_harness() as harness:
        options = RenderOptions("cam0", overlay=False, blur=False)
        with harness.live.subscribe_video(options) as quick, harness.live.subscribe_video(options) as slow:
            for number in range(5):
                harness.show(number)
                while (await quick.get()).frame_id != frame_id(number):
                    pass
            assert (await slow.get()).frame_id == frame_id(4)
        assert harness.metric("gateway_live_dropped_total", stage="picture") == 4


async def test_frame_is_rendered_once_for_all_viewers_with_the_same_options() -> None:
    async with live_harness() as harness:
        show_stripes(harness, 0)
        options = RenderOptions("cam0", overlay=True, blur=False)
        with harness.live.subscribe_video(options) as a, harness.live.subscribe_video(options) as b:
            first, second = await a.get(), await b.get()
        assert first is second
        assert first.jpeg != STRIPES
        assert Image.open(io.BytesIO(first.jpeg)).size == (1280, 720)
        assert harness.model.calls == 1


async def test_faces_are_blurred_from_the_first_frame_on() -> None:
    async with live_harness() as harness:
        show_stripes(harness, 0)
        with (
            harness.live.subscribe("cam0", None, None) as viewer,
            harness.live.subscribe_video(RenderOptions("cam0", False, True)) as slot,
        ):
            taking = asyncio.create_task(slot.get())
            number = 0
            while not taking.done():
                await next_object(viewer)
                number += 1
                show_stripes(harness, number)
                await asyncio.sleep(0.02)
            picture = (await taking).jpeg
        assert contrast(picture, FACE) < 60
        assert contrast(picture, OTHER_FACE) > 150, "nothing else is hidden"
        assert SearchScope.CHANGED not in harness.detector.scopes, "a change too small to count may be a face"


async def test_video_ends_when_the_service_stops() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe_video(RenderOptions("cam0", overlay=False, blur=False)) as slot:
            await slot.get()
            closing = asyncio.create_task(harness.live.close())
            with pytest.raises(ClosedError):
                await slot.get()
        await closing


def result(analyzed: AnalyzedFrame, number: int, hidden: tuple[Box, ...], searched: int) -> AnalyzedFrame:
    frame: Frame = numbered_frame(number)
    return replace(analyzed, frame=frame, hidden=hidden, full_search_at_us=numbered_frame(searched).captured_at_us)


@pytest.fixture
async def analyzed() -> AnalyzedFrame:
    """Any result; tests of the delay buffer replace what they read."""
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await next_object(viewer)
        answer = harness.live.polling.cached("cam0")
        assert answer is not None
        return answer


def test_frame_is_delayed_until_a_full_search(analyzed: AnalyzedFrame) -> None:
    delayed = DelayBuffer(delay_s=0.4)
    delayed.add(result(analyzed, 1, (FACE,), searched=0), now_s=10.0)
    assert delayed.wait_s(10.5) is None
    assert delayed.pop_ready(10.5) is None
    delayed.add(result(analyzed, 2, (FACE, OTHER_FACE), searched=1), now_s=10.5)
    assert delayed.wait_s(10.5) == 0
    shown = delayed.pop_ready(10.5)
    assert shown is not None
    assert shown.frame.frame_id == frame_id(1)
    assert set(shown.hidden) == {FACE, OTHER_FACE}, "found later, hidden before"
    assert delayed.pop_ready(11.5) is None


def test_frame_is_delayed_for_the_minimum_time(analyzed: AnalyzedFrame) -> None:
    delayed = DelayBuffer(delay_s=0.4)
    delayed.add(result(analyzed, 1, (), searched=1), now_s=10.0)
    assert delayed.wait_s(10.1) == pytest.approx(0.3)
    assert delayed.pop_ready(10.1) is None
    assert delayed.pop_ready(10.4) is not None


def test_frames_without_a_full_search_are_discarded(analyzed: AnalyzedFrame) -> None:
    delayed = DelayBuffer(delay_s=0.4)
    for number in range(1000):
        delayed.add(result(analyzed, number, (), searched=-1), now_s=float(number))
        assert delayed.pop_ready(float(number)) is None
    assert delayed.wait_s(1000.0) is None
