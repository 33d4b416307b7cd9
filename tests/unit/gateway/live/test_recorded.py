"""A recorded video under a session: every frame counts, and two playings give the same."""

from typing import Any

from services.contracts.detection import Searched
from services.contracts.frames import FrameMessage
from services.contracts.problems import ProblemKind
from services.contracts.recorded import recorded_frame_id
from services.gateway.frames import Frame, KnownCamera
from services.gateway.live.pictures import Look
from services.gateway.recorded import RecordedFrame
from services.runtime.problems import ProblemError
from tests.support.gateway_fakes import ONLINE
from tests.support.live_harness import FACE, OTHER_FACE, Scene, eventually, next_object, scene

FRAMES = 20


def play(it: Scene, playing: str) -> None:
    """Let a video be there, whose newest frames stand in the stream."""
    for number in range(FRAMES):
        message = FrameMessage(f"jpeg {number}".encode(), 40_000 * number, 0, 1280, 720, number, playing)
        frame = Frame(recorded_frame_id(message), message, message.captured_at_us, 0.0, 0.0)
        it.recorded.frames.append(RecordedFrame(frame, f"{len(it.recorded.frames) + 1}-0"))
    it.store.cameras["cam0"] = KnownCamera("cam0", ONLINE, it.recorded.frames[0].frame)


async def results(it: Scene) -> list[dict[str, Any]]:
    with it.live.viewed("cam0", None, None) as viewer:
        got: list[dict[str, Any]] = []
        while len(got) < len(it.recorded.frames):
            told = await next_object(viewer)
            if told["event"] == "result":
                got.append(told)
        return got


async def test_every_frame_is_analysed_in_order_and_acknowledged() -> None:
    async with scene() as it:
        play(it, "first")
        got = await results(it)
        await eventually(lambda: len(it.recorded.acknowledged) == FRAMES, "the last to be acknowledged")
    ids = [frame.frame.frame_id for frame in it.recorded.frames]
    assert [result["source"]["frame_id"] for result in got] == ids == it.recorded.acknowledged
    assert {result["source"]["age_ms"] for result in got} == {0}


async def test_two_playings_give_the_same() -> None:
    playings = []
    for playing in ("first", "second"):
        async with scene() as it:
            it.detector.boxes.append(OTHER_FACE)
            play(it, playing)
            playings.append([(result["faces"], result["events"]) for result in await results(it)])
            assert set(it.detector.searched) == {Searched.FULL}
    assert playings[0] == playings[1]
    assert {face["face_id"] for face in playings[0][0][0]} == {"cam0-1", "cam0-2"}


async def test_a_second_playing_begins_anew() -> None:
    async with scene() as it:
        play(it, "first")
        play(it, "second")
        got = await results(it)
    assert got[0]["faces"] == got[FRAMES]["faces"]
    assert [result["source"]["frame_id"] for result in got[:FRAMES]] == [
        result["source"]["frame_id"] for result in got[FRAMES:]
    ]


async def test_a_frame_is_tried_until_the_services_are_back() -> None:
    async with scene() as it:
        play(it, "first")
        it.model.error = ProblemError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="model")
        with it.live.viewed("cam0", None, None) as viewer:
            assert (await next_object(viewer))["state"] == "problem"
            it.model.error = None
            while (told := await next_object(viewer))["event"] != "result":
                pass
            assert told["source"]["frame_id"] == "0-0"
            it.detector.error = ProblemError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="detector")
            while (told := await next_object(viewer)).get("state") != "problem":
                pass
            acknowledged = len(it.recorded.acknowledged)
            it.detector.error = None
            await eventually(lambda: len(it.recorded.acknowledged) == FRAMES, "all to be analysed")
            assert acknowledged < FRAMES


async def test_a_frame_that_is_no_picture_holds_nothing_up() -> None:
    async with scene() as it:
        play(it, "first")
        it.detector.error = ProblemError(ProblemKind.INVALID_IMAGE, "cut off")
        with it.live.viewed("cam0", None, None) as viewer:
            assert (await next_object(viewer))["problem"]["type"] == "urn:emotion:problem:no-fresh-frame"
            await eventually(lambda: it.recorded.acknowledged, "it to be passed over")
            it.detector.error = None
            await eventually(lambda: len(it.recorded.acknowledged) == FRAMES, "all to be analysed")


async def test_whoever_watches_a_recorded_video_makes_it_go_on() -> None:
    async with scene() as it:
        play(it, "first")
        with it.live.pictured(Look("cam0", overlay=False, blur=False), analysed=True) as slot:
            assert (await slot.take()).jpeg.startswith(b"jpeg ")
            await eventually(lambda: len(it.recorded.acknowledged) == FRAMES, "it to end")
    assert FACE in it.detector.boxes
