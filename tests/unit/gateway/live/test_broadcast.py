"""Those who follow a camera: what each gets, what a slow one loses, and when everything ends."""

import asyncio
import json
from contextlib import ExitStack

import pytest

from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.live.broadcast import MAX_QUEUED_RESULTS, is_newer
from services.gateway.live.latest_value import ClosedError
from services.gateway.protocols import Deadline
from tests.support.live_harness import (
    DEFAULT_TIMEOUT_S,
    eventually,
    frame_id,
    live_harness,
    next_object,
    next_status,
    number_of,
    result_of,
)


def test_frame_order_allows_for_a_clock_that_was_set_back() -> None:
    assert is_newer("1700000000001-0", "1700000000000-5")
    assert is_newer("1700000000000-10", "1700000000000-9")
    assert not is_newer("1700000000000-9", "1700000000000-9")
    assert not is_newer("1700000000000-0", "1700000005000-0")
    assert is_newer("1700000000000-0", "1700000011000-0"), "the clock was set back"


async def test_a_slow_viewer_loses_old_results_is_told_so_and_delays_nobody() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as quick, harness.live.subscribe("cam0", None, None) as slow:
            for number in range(MAX_QUEUED_RESULTS + 12):
                await harness.show_and_see(number, quick)
            waiting = [await next_object(slow) for _ in range(MAX_QUEUED_RESULTS)]
            assert [number_of(result) for result in waiting] == list(range(12, MAX_QUEUED_RESULTS + 12))
            assert [result["dropped"]["viewer"] for result in waiting] == [12] + [0] * (MAX_QUEUED_RESULTS - 1)
            assert await slow.get(0) is None
        assert harness.metric("gateway_live_dropped_total", stage="viewer") == 12


async def test_events_of_lost_results_come_with_the_next_one() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as quick, harness.live.subscribe("cam0", None, None) as slow:
            number = 0
            told: list[dict[str, object]] = []
            while not told:
                (result,) = await harness.show_and_see(number, quick)
                told, number = result["events"], number + 1
                assert number < 1000, "no emotion began"
            for later in range(number, number + MAX_QUEUED_RESULTS + 1):
                await harness.show_and_see(later, quick)
            assert (await next_object(slow))["events"] == told
            assert told[0]["kind"] == "emotion_started"


async def test_a_viewer_gets_as_few_results_as_it_wants() -> None:
    async with live_harness() as harness:
        with (
            harness.live.subscribe("cam0", None, None) as all_of_them,
            harness.live.subscribe("cam0", 10, None) as some,
        ):
            got = []
            for number in range(10):
                await harness.show_and_see(number, all_of_them)
                message = await some.get(0)
                if message is not None:
                    got.append(number)
                    assert json.loads(message.text)["dropped"] == {"detect": 0, "infer": 0, "viewer": 0}
    assert got == [0, 3, 6, 9]


async def test_who_comes_back_goes_on_after_the_last_frame_received() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as stays:
            for number in range(5):
                await harness.show_and_see(number, stays)
            with harness.live.subscribe("cam0", None, frame_id(2)) as returned:
                assert [number_of(await next_object(returned)) for _ in range(2)] == [3, 4]
                await harness.show_and_see(5, returned)


async def test_on_another_replica_frames_beyond_the_last_one_received_are_sent() -> None:
    async with live_harness() as harness:
        harness.show(7)
        with harness.live.subscribe("cam0", None, None) as whoever:
            await result_of(whoever, 7)
            with harness.live.subscribe("cam0", None, frame_id(8)) as returned:
                await harness.show_and_see(8, whoever)
                await harness.show_and_see(9, whoever)
                assert number_of(await next_object(returned)) == 9


async def test_an_id_from_before_the_clock_was_set_back_mutes_nobody() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, frame_id(1_000_000)) as viewer:
            await result_of(viewer, 0)


async def test_nobody_there_costs_nothing() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            assert len(asyncio.all_tasks()) > 1
        await eventually(lambda: len(asyncio.all_tasks()) == 1, "every task but the test's to end")
        assert harness.metric("gateway_live_sessions") == 0


async def test_who_leaves_and_comes_back_at_once_finds_the_same_session() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            face = (await result_of(viewer, 0))["faces"][0]["face_id"]
        with harness.live.subscribe("cam0", None, None) as viewer:
            (result,) = await harness.show_and_see(1, viewer)
            assert result["faces"][0]["face_id"] == face


async def test_when_the_service_stops_all_are_told_and_nobody_new_may_come() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            closing = asyncio.create_task(harness.live.close())
            assert (await next_status(viewer))["state"] == "closing"
            with pytest.raises(ClosedError):
                await viewer.get(1)
            assert not closing.done(), "viewers get a moment to leave"
        await closing
        with pytest.raises(ServiceError) as refused, harness.live.subscribe("cam0", None, None):
            pass
        assert refused.value.problem.kind is ProblemKind.STOPPING


async def test_viewers_and_cameras_beyond_their_limits_are_refused() -> None:
    async with live_harness(max_viewers=2, max_viewers_per_client=2, max_live_cameras=1) as harness:
        with harness.live.subscribe("cam0", None, None):
            with pytest.raises(ServiceError) as refused, harness.live.subscribe("door", None, None):
                pass
            assert refused.value.problem.kind is ProblemKind.OVERLOADED
            with harness.live.subscribe("cam0", None, None):
                with pytest.raises(ServiceError) as refused, harness.live.subscribe("cam0", None, None):
                    pass
                assert refused.value.problem.kind is ProblemKind.OVERLOADED
            with harness.live.subscribe("cam0", None, None):
                pass


async def test_one_client_leaves_half_of_the_viewers_to_others() -> None:
    async with live_harness(max_viewers=8, max_viewers_per_client=1) as harness:
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(harness.live.subscribe("cam0", None, None, "10.0.0.1"))
            with pytest.raises(ServiceError) as refused, harness.live.subscribe("cam0", None, None, "10.0.0.1"):
                pass
            assert refused.value.problem.kind is ProblemKind.RATE_LIMITED
            for other in range(2, 6):
                stack.enter_context(harness.live.subscribe("cam0", None, None, f"10.0.0.{other}"))
            with pytest.raises(ServiceError) as refused, harness.live.subscribe("cam0", None, None, "10.0.0.9"):
                pass
            assert refused.value.problem.kind is ProblemKind.OVERLOADED


async def test_who_asks_twice_within_a_second_is_answered_by_a_session_that_then_runs() -> None:
    async with live_harness() as harness:
        assert harness.live.polling.cached("cam0") is None
        harness.live.polling.record_poll("cam0", frame_id(0))
        assert harness.metric("gateway_live_sessions") == 0
        harness.live.polling.record_poll("cam0", frame_id(0))
        assert harness.metric("gateway_live_sessions") == 1
        harness.show(1)
        answer = await harness.live.polling.wait_for("cam0", frame_id(1), Deadline.after(DEFAULT_TIMEOUT_S))
        assert answer is not None
        assert answer.analysis.faces[0].face_id is not None
        assert harness.live.polling.cached("cam0") == answer
        assert b"jpeg 0" not in [image for image, _ in harness.detector.requests], "that frame was analysed already"
        await eventually(lambda: harness.metric("gateway_live_sessions") == 0, "the session to end")


async def test_who_asks_while_something_is_wrong_is_not_kept_waiting() -> None:
    async with live_harness() as harness:
        harness.model.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="model")
        with harness.live.subscribe("cam0", None, None) as viewer:
            await next_status(viewer)
            assert await harness.live.polling.wait_for("cam0", frame_id(0), Deadline.after(DEFAULT_TIMEOUT_S)) is None


async def test_many_who_come_at_once_cost_one_look_into_the_store() -> None:
    async with live_harness() as harness:
        await asyncio.gather(*(harness.live.require_camera("cam0") for _ in range(50)))
        assert harness.store.reads == 1
        with pytest.raises(ServiceError) as refused:
            await harness.live.require_camera("nowhere")
        assert refused.value.problem.kind is ProblemKind.CAMERA_NOT_FOUND
        harness.store.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="redis")
        await harness.live.require_camera("nowhere")  # viewers are told of it
