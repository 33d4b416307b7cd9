"""A camera's session: what it computes, in which order, and how it goes on when something fails."""

import asyncio
from time import monotonic

import pytest

from services.contracts.detection import SearchScope
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.live.search import FULL_SEARCH_INTERVAL_S
from services.gateway.protocols import KnownCamera
from tests.support.gateway_fakes import ONLINE
from tests.support.live_harness import (
    DEFAULT_TIMEOUT_S,
    FACE,
    OTHER_FACE,
    eventually,
    frame_id,
    next_object,
    next_status,
    number_of,
    result_of,
    scene,
)

DOWN = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="detector")


async def test_any_number_of_viewers_cost_one_computation_a_frame() -> None:
    async with scene() as it:
        with (
            it.live.subscribe("cam0", None, None) as a,
            it.live.subscribe("cam0", None, None) as b,
            it.live.subscribe("cam0", None, None) as c,
        ):
            for number in range(6):
                results = await it.show_and_see(number, a, b, c)
                assert results[0] == results[1] == results[2]
        assert it.model.calls == 6


async def test_a_result_is_a_prediction_with_ids_and_smoothed_probabilities() -> None:
    async with scene() as it:
        with it.live.subscribe("cam0", None, None) as viewer:
            first = await result_of(viewer, 0)
            (second,) = await it.show_and_see(1, viewer)
    assert first["source"]["camera"] == "cam0"
    assert first["source"]["age_ms"] >= 40
    assert first["emotion"] == first["faces"][0]["emotion"] == "happy"
    assert first["faces"][0]["face_id"] == second["faces"][0]["face_id"] is not None
    assert sum(second["faces"][0]["smoothed"].values()) == pytest.approx(1)
    assert first["dropped"] == {"detect": 0, "infer": 0, "viewer": 0}
    assert first["timings_ms"]["total"] >= first["timings_ms"]["detect"]


async def test_where_faces_were_is_where_the_next_frame_is_searched() -> None:
    async with scene() as it:
        with it.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            await it.show_and_see(1, viewer)
    assert it.detector.asked[0] == (b"jpeg 0", ())
    assert (b"jpeg 1", (FACE,)) in it.detector.asked


async def test_new_faces_appear_though_not_every_frame_is_searched_whole() -> None:
    async with scene() as it:
        with it.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            it.detector.boxes.append(OTHER_FACE)
            number, seen = 0, 1
            while seen < 2:
                number += 1
                (result,) = await it.show_and_see(number, viewer)
                seen = len(result["faces"])
                await asyncio.sleep(0.01)
                assert number < 1000
            assert it.detector.full_searches < number


async def test_a_frame_is_detected_while_the_one_before_is_inferred() -> None:
    async with scene() as it:
        it.model.gate.clear()
        with it.live.subscribe("cam0", None, None) as viewer:
            await eventually(lambda: it.detector.asked, "the first frame to be detected")
            it.show(1)
            await eventually(lambda: len(it.detector.asked) > 1, "the second, though the first isn't inferred")
            it.model.gate.set()
            assert [number_of(await next_object(viewer)) for _ in range(2)] == [0, 1]


async def test_of_the_frames_that_wait_for_a_step_the_newest_wins_and_drops_are_told() -> None:
    async with scene() as it:
        with it.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            it.detector.gate.clear()
            asked = len(it.detector.asked)
            it.show(1)
            await eventually(lambda: len(it.detector.asked) > asked, "the detector to be busy")
            for number in (2, 3, 4):
                read = it.store.handed_out
                it.show(number)
                await eventually(lambda: it.store.handed_out > read, "the frame to be read")  # noqa: B023
            it.detector.gate.set()
            results = [await next_object(viewer)]
            while number_of(results[-1]) != 4:
                results.append(await next_object(viewer))
        assert sum(result["dropped"]["detect"] for result in results) == 2
        assert it.metric("gateway_live_dropped_total", stage="detect") == 2


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (DOWN, "dependency-unavailable"),
        (ServiceError(ProblemKind.INVALID_IMAGE, "cut off"), "no-fresh-frame"),
        (ZeroDivisionError("a bug"), "internal"),
    ],
)
async def test_a_failing_detector_is_told_and_the_session_recovers(error: Exception, slug: str) -> None:
    async with scene() as it:
        with it.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            it.detector.error = error
            it.show(1)
            status = await next_status(viewer)
            assert (status["state"], status["camera"]) == ("problem", "cam0")
            assert status["problem"]["type"] == f"urn:emotion:problem:{slug}"
            it.detector.error = None
            it.show(2)
            await eventually(lambda: (b"jpeg 2", (FACE,)) in it.detector.asked, "another try")
            assert (await next_status(viewer))["state"] == "ok"
            await result_of(viewer, 2)


async def test_a_failing_model_is_told_and_the_session_recovers() -> None:
    async with scene() as it:
        it.model.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="model")
        with it.live.subscribe("cam0", None, None) as viewer:
            assert (await next_status(viewer))["problem"]["dependency"] == "model"
            it.model.error = None
            await it.show_and_see(1, viewer)


async def test_a_step_that_hangs_is_told_and_given_up() -> None:
    async with scene(live_timeout_s=0.05) as it:
        with it.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            it.model.gate.clear()
            it.show(1)
            status = await next_status(viewer)
            assert status["problem"]["type"] == "urn:emotion:problem:dependency-timeout"
            it.model.gate.set()
            await it.show_and_see(2, viewer)


async def test_a_store_that_fails_is_told_and_the_session_recovers() -> None:
    async with scene() as it:
        with it.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            it.store.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="redis")
            assert (await next_status(viewer))["problem"]["dependency"] == "redis"
            it.store.error = None
            await it.show_and_see(1, viewer)


async def test_a_camera_that_stalls_or_disappears_is_told_and_its_return_is_seen() -> None:
    async with scene() as it:
        with it.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            stalled = await next_status(viewer)
            assert stalled["problem"]["type"] == "urn:emotion:problem:no-fresh-frame"
            assert "it is online" in stalled["problem"]["detail"]
            del it.store.cameras["cam0"]
            assert (await next_status(viewer))["problem"]["type"] == "urn:emotion:problem:camera-not-found"
            await it.show_and_see(1, viewer)


async def test_a_store_whose_clock_was_set_back_is_followed() -> None:
    async with scene() as it:
        it.show(1000)
        with it.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 1000)
            it.show(3)
            assert number_of(await next_object(viewer)) == 3


async def test_without_a_face_what_changes_is_searched_in_every_frame() -> None:
    async with scene() as it:
        it.detector.boxes.clear()
        with it.live.subscribe("cam0", None, None) as viewer:
            for number in range(3):
                (result,) = await it.show_and_see(number, viewer)
                assert (result["faces"], result["emotion"]) == ([], None)
            it.detector.boxes.append(FACE)
            (result,) = await it.show_and_see(3, viewer)
            assert len(result["faces"]) == 1
        assert it.detector.searched[:4] == [
            SearchScope.FULL,
            SearchScope.CHANGED,
            SearchScope.CHANGED,
            SearchScope.CHANGED,
        ]
        assert it.model.calls == 1


async def test_a_face_that_no_search_saw_come_is_found_when_all_is_searched_again() -> None:
    async with scene() as it:
        it.detector.boxes.clear()
        it.detector.overlooked.append(FACE)
        with it.live.subscribe("cam0", None, None) as viewer:
            began, number, faces = monotonic(), 0, 0
            await it.show_and_see(0, viewer)
            it.detector.boxes.append(FACE)  # but an overview has it already
            while not faces:
                number += 1
                (result,) = await it.show_and_see(number, viewer)
                faces = len(result["faces"])
                assert monotonic() - began < DEFAULT_TIMEOUT_S
            assert monotonic() - began >= FULL_SEARCH_INTERVAL_S
        assert it.detector.full_searches == 2


async def test_faces_that_are_followed_are_no_news_to_a_search() -> None:
    async with scene() as it:
        with it.live.subscribe("cam0", None, None) as viewer:
            number = 0
            while SearchScope.CHANGED not in it.detector.searched:
                await it.show_and_see(number, viewer)
                number += 1
                assert number < 1000
            at = it.detector.searched.index(SearchScope.CHANGED)
            assert it.detector.asked[at][1] == (FACE,)


async def test_a_viewer_who_comes_late_hears_of_the_problem_first() -> None:
    async with scene() as it:
        it.detector.error = DOWN
        with it.live.subscribe("cam0", None, None) as first:
            await next_status(first)
            with it.live.subscribe("cam0", None, None) as second:
                assert (await next_object(second))["problem"]["dependency"] == "detector"


async def test_cameras_are_followed_side_by_side() -> None:
    async with scene() as it:
        it.store.cameras["door"] = KnownCamera("door", ONLINE, it.store.cameras["cam0"].newest)
        with it.live.subscribe("cam0", None, None) as a, it.live.subscribe("door", None, None) as b:
            assert {(await next_object(viewer))["source"]["camera"] for viewer in (a, b)} == {"cam0", "door"}
            await eventually(lambda: it.metric("gateway_live_sessions") == 2, "both to be counted")
    assert frame_id(0) == "1700000000000-0"
