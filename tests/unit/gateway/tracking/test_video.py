"""The images of one connection as the frames of one video."""

import pytest

from services.contracts.geometry import Box
from services.contracts.live import EmotionEvent
from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.video import VideoTracker
from tests.support.clock import FakeClock
from tests.unit.gateway.tracking.scenarios import HAPPY, face, probabilities

FACE = face(Box(100, 100, 100, 100))


def test_frames_without_a_time_count_by_arrival_from_zero() -> None:
    clock = FakeClock()
    video = VideoTracker(clock)
    times = []
    for _ in range(3):
        times.append(video.next_time())
        clock.advance(0.5)
    assert times == [0.0, 0.5, 1.0]


def test_a_given_time_counts_for_one_frame_and_the_next_goes_on_from_it() -> None:
    clock = FakeClock()
    video = VideoTracker(clock)
    video.next_time()
    clock.advance(10.0)
    video.set_time(3.0)
    assert video.next_time() == 3.0
    clock.advance(0.25)
    assert video.next_time() == 3.25


def test_the_last_of_several_times_counts() -> None:
    video = VideoTracker(FakeClock())
    video.set_time(5.0)
    video.set_time(4.0)
    assert video.next_time() == 4.0


def test_a_time_before_the_last_frame_is_rejected_and_changes_nothing() -> None:
    video = VideoTracker(FakeClock())
    video.set_time(4.0)
    video.update([FACE], video.next_time())
    video.set_time(4.0)
    with pytest.raises(ValueError, match="before the last analysed frame"):
        video.set_time(3.9)
    assert video.next_time() == 4.0


def test_frames_that_could_not_be_analysed_can_be_sent_again() -> None:
    video = VideoTracker(FakeClock())
    for at_s in (4.0, 4.1):
        video.set_time(at_s)
        video.next_time()
    video.set_time(4.0)
    assert video.next_time() == 4.0


def test_the_same_video_gets_the_same_ids_probabilities_and_events() -> None:
    def play() -> list[tuple[tuple[FaceEmotion, ...], tuple[EmotionEvent, ...]]]:
        video, found = VideoTracker(FakeClock()), []
        for number in range(120):
            scores = HAPPY if number < 50 else probabilities(sad=0.8)
            faces = [face(Box(100 + number, 100, 100, 100), scores), face(Box(600, 100, 120, 120))]
            video.set_time(number / 25)
            step = video.update(faces[: 1 + number % 2], video.next_time())
            found.append((step.faces, step.events))
        return found

    first = play()
    assert first == play()
    assert {event.kind for _, events in first for event in events} == {"emotion_started", "emotion_ended"}


def test_ids_are_numbered_in_each_video() -> None:
    for _ in range(2):
        video = VideoTracker(FakeClock())
        (tracked,) = video.update([FACE], video.next_time()).faces
        assert tracked.face_id == "face-1"
        assert tracked.smoothed is not None
