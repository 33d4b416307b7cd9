"""Clocks that are set, frames at the same time, and gaps."""

import math

import pytest

from services.contracts.geometry import Box
from services.gateway.tracking.tracks import Step, Tracks, advance, expected_boxes
from tests.unit.gateway.tracking.scripted import Detector, face, watch

FACE = face(Box(500, 300, 160, 160))


def steadily(start_s: float, frames: int = 60, fps: float = 15) -> Step:
    step = advance(Tracks.none("t"), [FACE], start_s)
    for frame in range(1, frames):
        step = advance(step.tracks, [FACE], start_s + frame / fps)
    return step


@pytest.mark.parametrize("jump_s", [-3600.0, -0.05, 0.0, 0.9])
def test_a_face_outlasts_a_jump_in_time(jump_s: float) -> None:
    before = steadily(1000.0)
    at_s = (before.tracks.at_s or 0.0) + jump_s
    after = advance(before.tracks, [FACE], at_s)
    assert after.faces[0].face_id == before.faces[0].face_id
    assert after.events == ()
    later = advance(after.tracks, [FACE], at_s + 0.1)
    assert later.faces[0].face_id == before.faces[0].face_id


def test_a_clock_that_is_set_back_makes_no_duration_negative() -> None:
    step = steadily(1000.0)
    step = advance(step.tracks, [FACE], 10.0)
    step = advance(step.tracks, [], 20.0)
    (ended,) = step.events
    assert ended.kind == "emotion_ended"
    assert ended.at_s == 10.0
    assert ended.duration_s == pytest.approx(59 / 15, abs=0.3)


def test_after_a_gap_that_nobody_saw_a_face_is_a_new_one() -> None:
    before = steadily(1000.0)
    after = advance(before.tracks, [FACE], (before.tracks.at_s or 0.0) + 10)
    assert after.faces[0].face_id != before.faces[0].face_id
    assert [event.kind for event in after.events] == ["emotion_ended"]


@pytest.mark.parametrize("at_s", [math.nan, math.inf, -math.inf])
def test_a_time_that_is_no_number_is_refused(at_s: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        advance(Tracks.none("t"), [FACE], at_s)


def test_a_box_without_an_area_is_followed_like_any_other() -> None:
    step = advance(Tracks.none("t"), [face(Box(5, 5, 0, 0))], 0.0)
    assert expected_boxes(step.tracks, 0.1)[0][1].w >= 1


def test_before_the_first_frame_nothing_is_expected() -> None:
    assert expected_boxes(Tracks.none("t"), 5.0) == ()


def test_a_walking_face_is_expected_where_it_walks_to() -> None:
    film = list(watch({"a": lambda t: (200 + 200 * t, 300, 160)}, 2.0, 15, Detector(), seed=1))
    tracks = film[-1].step.tracks
    last_s = film[-1].at_s
    for ahead_s in (0.0, 0.1, 0.3):
        ((face_id, box),) = expected_boxes(tracks, last_s + ahead_s)
        assert face_id == film[-1].step.faces[0].face_id
        assert abs(box.x + box.w / 2 - (200 + 200 * (last_s + ahead_s))) < 0.1 * 160
        assert abs(box.w - 160) < 16


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_a_missed_face_on_a_still_head_is_expected_over_it(fps: int) -> None:
    for seed in range(10):
        film = list(watch({"a": lambda _: (600, 300, 160)}, 3.0, fps, Detector(jitter=0.04), seed))
        tracks = film[-1].step.tracks
        for ahead_s in (0.1, 0.3, 0.5):
            ((_, box),) = expected_boxes(advance(tracks, [], film[-1].at_s + ahead_s).tracks, film[-1].at_s + ahead_s)
            assert abs(box.x + box.w / 2 - 600) < 0.35 * 160
            assert 0.7 < box.w / 160 < 1.4


def test_a_face_that_left_is_expected_nowhere() -> None:
    step = steadily(0.0)
    left_s = step.tracks.at_s or 0.0
    assert len(expected_boxes(step.tracks, left_s + 0.9)) == 1
    assert expected_boxes(step.tracks, left_s + 1.1) == ()
    assert advance(step.tracks, [], left_s + 1.1).tracks.live == ()


def test_a_time_before_the_last_frame_counts_as_that_frame() -> None:
    step = steadily(100.0)
    assert expected_boxes(step.tracks, 0.0) == expected_boxes(step.tracks, step.tracks.at_s or 0.0)
