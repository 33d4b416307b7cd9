from collections.abc import Sequence
from typing import Any

import pytest

from bench.harness.cameras import CameraRun, FrameCounts
from bench.harness.clients import ReceivedResult
from bench.scenarios.stream import StreamRecording, stream_statistics
from bench.scenes.clip import CYCLE, FPS, GUEST_EVERY, GUEST_STAYS, ClipFrame, guest_at, resident_at
from services.contracts.geometry import Box

BEGAN_S = 1000.0
CLIP = [ClipFrame(b"", resident_at(index), guest_at(index)) for index in range(CYCLE)]
SECONDS = 8
NUMBERS = range(round(SECONDS * FPS))


def camera_run(cameras: int = 1, fps: float = FPS) -> CameraRun:
    return CameraRun(tuple(f"c{index}" for index in range(cameras)), BEGAN_S, CYCLE, fps)


def result(
    of: CameraRun, camera: str, number: int, age_ms: float = 20.0, late_by: int = 0, **dropped: int
) -> ReceivedResult:
    """A result; a guest is found from ``late_by`` frames after its first frame."""
    captured_s = of.due_s(camera, number)
    format_number = of.clip_index(camera, number)
    frame, is_known = CLIP[format_number], format_number % GUEST_EVERY >= late_by
    faces = [frame.resident, *([frame.guest] if frame.guest and is_known else [])]
    message: dict[str, Any] = {
        "source": {"age_ms": age_ms - 1},
        "faces": [{"box": {"x": face.x + 2, "y": face.y, "w": face.w, "h": face.h}} for face in faces],
        "dropped": {"detect": 0, "infer": 0, "viewer": 0, **dropped},
    }
    return ReceivedResult(camera, captured_s + age_ms / 1e3, captured_s, message)


def recording(of: CameraRun, results: Sequence[ReceivedResult], left_out: Sequence[int] = ()) -> StreamRecording:
    published = {camera: [number for number in NUMBERS if number not in left_out] for camera in of.cameras}
    frame_counts = FrameCounts(published, {camera: list(left_out) for camera in of.cameras})
    return StreamRecording(of, frame_counts, CLIP, results, BEGAN_S - 0.001, BEGAN_S + SECONDS - 0.001)


def test_nothing_is_dropped_if_all_frames_are_analysed() -> None:
    of = camera_run()
    found = stream_statistics(recording(of, [result(of, "c0", number) for number in NUMBERS]))
    assert found["published"] == found["analysed"] == len(NUMBERS)
    assert found["analysed_per_s"] == pytest.approx(FPS)
    assert found["analysed_share"] == {"all": 1.0, "min_of_a_camera": 1.0}
    assert found["age_ms"]["p50"] == pytest.approx(20)
    assert found["ready_age_ms"]["p99"] == pytest.approx(19)
    assert found["faces_found_share"] == 1.0
    assert set(found["dropped"].values()) == {0}


def test_drops_are_counted_by_stage() -> None:
    of = camera_run()
    results = [result(of, "c0", number, detect=number == 10, viewer=number == 20) for number in NUMBERS[5:]]
    found = stream_statistics(recording(of, results, left_out=[0, 1]))
    # Of five that gave no result two were never published, and two more were counted by the gateway.
    assert found["dropped"] == {"camera": 2, "unread": 1, "detect": 1, "infer": 0, "viewer": 1}


def test_least_served_camera() -> None:
    of = camera_run(2)
    results = [result(of, "c0", number) for number in NUMBERS] + [result(of, "c1", number) for number in NUMBERS[::2]]
    assert stream_statistics(recording(of, results))["analysed_share"] == {"all": 0.75, "min_of_a_camera": 0.5}


def test_delay_of_a_new_face() -> None:
    of = camera_run()
    found = stream_statistics(recording(of, [result(of, "c0", number, age_ms=50, late_by=6) for number in NUMBERS]))
    arrivals = [number for number in NUMBERS[1:] if number % GUEST_EVERY == 0 and number + GUEST_STAYS < len(NUMBERS)]
    assert found["new_face_ms"]["count"] == len(arrivals) > 1
    assert found["new_face_ms"]["worst"] == pytest.approx(6 / FPS * 1e3 + 50, abs=1)
    assert found["new_faces_missed"] == 0
    assert found["faces_found_share"] < 1


def test_face_that_is_never_found() -> None:
    of = camera_run()
    found = stream_statistics(recording(of, [result(of, "c0", number, late_by=GUEST_STAYS) for number in NUMBERS]))
    assert found["new_face_ms"]["count"] == 0
    assert found["new_faces_missed"] > 1


def test_no_ages_without_results() -> None:
    found = stream_statistics(recording(camera_run(), []))
    assert found["analysed"] == 0
    assert found["age_ms"]["p50"] is None
    assert found["dropped"]["unread"] == len(NUMBERS)


@pytest.mark.parametrize("cameras", [1, 6])
def test_frame_number_from_the_capture_time(cameras: int) -> None:
    of = camera_run(cameras)
    for camera in of.cameras:
        assert of.number(camera, of.due_s(camera, 77) + 0.001) == 77
    firsts = [of.due_s(camera, 0) for camera in of.cameras]
    assert firsts == sorted(set(firsts))
    assert firsts[-1] < of.due_s("c0", 1)
    assert len({of.clip_index(camera, 0) for camera in of.cameras}) == cameras


def test_lower_frame_rate_shows_the_same_clip() -> None:
    fast, slow = camera_run(), camera_run(fps=FPS / 3)
    for number in (0, 7, 100, 300):
        assert slow.due_s("c0", number) == pytest.approx(fast.due_s("c0", 3 * number))
        assert slow.clip_index("c0", number) == fast.clip_index("c0", 3 * number)
        assert slow.number("c0", slow.due_s("c0", number) + 0.001) == number
    results = [result(slow, "c0", number, age_ms=50) for number in range(round(SECONDS * slow.fps))]
    found = stream_statistics(recording(slow, results))
    assert found["analysed_per_s"] == pytest.approx(10)
    assert found["new_face_ms"]["count"] > 1
    assert found["new_face_ms"]["worst"] == pytest.approx(50, abs=1)
    assert found["new_faces_missed"] == 0


def test_box_elsewhere_is_not_the_face() -> None:
    of = camera_run()
    one = result(of, "c0", 60)
    box = Box(**one.result["faces"][0]["box"])
    one.result["faces"][0]["box"] |= {"x": box.x + box.w}
    assert stream_statistics(recording(of, [one]))["faces_found_share"] == 0.0
