"""Subscribers of a camera's results: delivery, drops, reconnects and limits."""

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


async def test_slow_subscriber_drops_old_results_and_delays_no_other() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as quick, harness.live.subscribe("cam0", None, None) as slow:
            for number in range(MAX_QUEUED_RESULTS + 12):
                await harness.show_and_see(number, quick)
            waiting = [await next_object(slow) for _ in range(MAX_QUEUED_RESULTS)]
            assert [number_of(result) for result in waiting] == list(range(12, MAX_QUEUED_RESULTS + 12))
            assert [result["dropped"]["viewer"] for result in waiting] == [12] + [0] * (MAX_QUEUED_RESULTS - 1)
            assert await slow.get(0) is None
        assert harness.metric("gateway_live_dropped_total", stage="viewer") == 12


async def test_events_of_dropped_results_are_in_the_next_result() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as quick, harness.live.subscribe("cam0", None, None) as slow:
            number = 0
            started_events: list[dict[str, object]] = []
            while not started_events:
                (result,) = await harness.show_and_see(number, quick)
                started_events, number = result["events"], number + 1
                assert number < 1000, "no emotion began"
            for later in range(number, number + MAX_QUEUED_RESULTS + 1):
                await harness.show_and_see(later, quick)
            assert (await next_object(slow))["events"] == started_events
            assert started_events[0]["kind"] == "emotion_started"


async def test_subscriber_gets_at_most_the_requested_rate() -> None:
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


async def test_reconnecting_client_resumes_after_its_last_frame() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as stays:
            for number in range(5):
                await harness.show_and_see(number, stays)
            with harness.live.subscribe("cam0", None, frame_id(2)) as returned:
                assert [number_of(await next_object(returned)) for _ in range(2)] == [3, 4]
                await harness.show_and_see(5, returned)


async def test_client_resumes_on_another_replica() -> None:
    async with live_harness() as harness:
        harness.show(7)
        with harness.live.subscribe("cam0", None, None) as other:
            await result_of(other, 7)
            with harness.live.subscribe("cam0", None, frame_id(8)) as returned:
                await harness.show_and_see(8, other)
                await harness.show_and_see(9, other)
                assert number_of(await next_object(returned)) == 9


async def test_resume_id_from_before_the_clock_was_set_back_is_ignored() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, frame_id(1_000_000)) as viewer:
            await result_of(viewer, 0)


async def test_session_without_subscribers_stops() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            assert len(asyncio.all_tasks()) > 1
        await eventually(lambda: len(asyncio.all_tasks()) == 1, "every task but the test's to end")
        assert harness.metric("gateway_live_sessions") == 0


async def test_quick_reconnect_finds_the_same_session() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            face = (await result_of(viewer, 0))["faces"][0]["face_id"]
        with harness.live.subscribe("cam0", None, None) as viewer:
            (result,) = await harness.show_and_see(1, viewer)
            assert result["faces"][0]["face_id"] == face


async def test_closing_sends_a_status_and_rejects_new_subscribers() -> None:
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


async def test_viewers_and_cameras_beyond_the_limits_are_rejected() -> None:
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


async def test_one_client_cannot_use_up_all_viewers() -> None:
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


async def test_two_polls_within_a_second_start_a_session() -> None:
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


async def test_poll_does_not_wait_while_a_step_fails() -> None:
    async with live_harness() as harness:
        harness.model.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="model")
        with harness.live.subscribe("cam0", None, None) as viewer:
            await next_status(viewer)
            assert await harness.live.polling.wait_for("cam0", frame_id(0), Deadline.after(DEFAULT_TIMEOUT_S)) is None


async def test_concurrent_subscribers_share_one_read_of_the_store() -> None:
    async with live_harness() as harness:
        await asyncio.gather(*(harness.live.require_camera("cam0") for _ in range(50)))
        assert harness.store.reads == 1
        with pytest.raises(ServiceError) as refused:
            await harness.live.require_camera("nowhere")
        assert refused.value.problem.kind is ProblemKind.CAMERA_NOT_FOUND
        harness.store.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="redis")
        await harness.live.require_camera("nowhere")  # viewers are started_events of it
