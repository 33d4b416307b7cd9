"""Ids on scripted motion. Each script runs at several rates, with jittered boxes and with faces missed by chance."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.emotions import EMOTIONS
from services.contracts.geometry import Box
from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.tracker import TrackerState, TrackerUpdate, predict_boxes, update
from tests.unit.gateway.tracking.scenarios import Detector, Path, face, ids_by_name, watch

EXACT = Detector()
HAAR = Detector(jitter=0.04)
POOR = Detector(jitter=0.04, missed=0.3)


def swaying(x: float, y: float) -> Path:
    return lambda t: (x + 20 * math.sin(t + x), y + 20 * math.cos(t + y), 90)


SCRIPTS: dict[str, dict[str, Path]] = {
    "still": {"a": lambda _: (600, 300, 160)},
    "walking": {"a": lambda t: (100 + 200 * t, 300, 160)},
    "accelerating": {"a": lambda t: (100 + 40 * t * t, 300, 160)},
    "swaying": {"a": lambda t: (640 + 150 * math.sin(2 * t), 300 + 60 * math.cos(3 * t), 160)},
    "coming and going": {"a": lambda t: (640, 360, 120 * math.exp(0.7 * math.sin(1.2 * t)))},
    "crossing": {"a": lambda t: (100 + 200 * t, 250, 120), "b": lambda t: (1180 - 200 * t, 420, 120)},
    "side by side": {
        "a": lambda t: (450 + 80 * math.sin(t), 300, 120),
        "b": lambda t: (690 + 80 * math.sin(t), 310, 120),
    },
    "crowd": {
        f"{row}{column}": swaying(120 + 260 * column, 120 + 240 * row) for row in range(3) for column in range(4)
    },
}


@pytest.mark.parametrize("detector", [EXACT, HAAR, POOR], ids=["exact", "haar", "poor"])
@pytest.mark.parametrize("fps", [5, 10, 15, 30])
@pytest.mark.parametrize("script", SCRIPTS)
def test_each_person_keeps_one_id(script: str, fps: int, detector: Detector) -> None:
    for seed in range(2):
        ids = ids_by_name(list(watch(SCRIPTS[script], 5.0, fps, detector, seed)))
        assert [len(given) for given in ids.values()] == [1] * len(SCRIPTS[script])
        assert len(set().union(*ids.values())) == len(SCRIPTS[script])


@pytest.mark.parametrize("fps", [15, 30])
def test_two_crossing_people_keep_their_ids(fps: int) -> None:
    people: dict[str, Path] = {"a": lambda t: (100 + 200 * t, 300, 120), "b": lambda t: (1180 - 200 * t, 340, 120)}
    for seed in range(5):
        ids = ids_by_name(list(watch(people, 5.4, fps, HAAR, seed)))
        assert [len(given) for given in ids.values()] == [1, 1]
        assert ids["a"] != ids["b"]


@pytest.mark.parametrize("fps", [5, 10, 30])
def test_half_a_second_of_misses_is_survived_while_walking(fps: int) -> None:
    missed = range(2 * fps, 2 * fps + math.ceil(0.5 * fps))
    people: dict[str, Path] = {"a": lambda t: None if round(t * fps) in missed else (100 + 200 * t, 300, 160)}
    film = list(watch(people, 4.0, fps, HAAR, seed=1))
    assert sum(not seen.ids for seen in film) == len(missed)
    assert len(ids_by_name(film)["a"]) == 1


def test_returning_face_gets_a_new_id() -> None:
    people: dict[str, Path] = {"a": lambda t: None if 2 <= t < 4 else (600, 300, 160)}
    film = list(watch(people, 6.0, 15, HAAR, seed=1))
    assert len(ids_by_name(film)["a"]) == 2


def test_face_that_enters_elsewhere_gets_a_new_id() -> None:
    people: dict[str, Path] = {
        "a": lambda t: (1200, 300, 120) if t < 2 else None,
        "b": lambda t: (80, 300, 120) if t >= 2 else None,
    }
    ids = ids_by_name(list(watch(people, 4.0, 15, HAAR, seed=1)))
    assert ids["a"].isdisjoint(ids["b"])


def test_a_new_face_in_front_of_the_list_changes_no_id() -> None:
    people: dict[str, Path] = {
        "new": lambda t: (300, 300, 240) if t >= 1 else None,
        "a": lambda _: (900, 300, 120),
    }
    film = list(watch(people, 2.0, 10, Detector(shuffled=False), seed=1))
    assert film[-1].names == ("new", "a")
    assert len(ids_by_name(film)["a"]) == 1


boxes = st.builds(
    Box, x=st.integers(-100, 1300), y=st.integers(-100, 800), w=st.integers(1, 400), h=st.integers(1, 400)
)
distributions = (
    st.lists(st.floats(0, 1), min_size=7, max_size=7)
    .filter(lambda weights: sum(weights) > 1e-3)
    .map(lambda weights: dict(zip(EMOTIONS, (weight / sum(weights) for weight in weights), strict=True)))
)
faces = st.builds(face, boxes, distributions, st.floats(0, 1))
frames = st.lists(st.tuples(st.floats(-5, 5), st.lists(faces, max_size=4)), max_size=8)
"""Each with the seconds since the frame before, which may be none or negative."""

untimed = settings(deadline=None, max_examples=60)


@untimed
@given(frames, st.floats(-1e9, 2e9))
def test_any_film_gives_each_face_an_id_and_a_distribution(
    film: list[tuple[float, list[FaceEmotion]]], start_s: float
) -> None:
    state, at_s = TrackerState("t"), start_s
    for elapsed_s, found in film:
        at_s += elapsed_s
        step = update(state, found, at_s)
        assert [each.box for each in step.faces] == [each.box for each in found]
        assert [each.probabilities for each in step.faces] == [each.probabilities for each in found]
        ids = [each.face_id for each in step.faces]
        assert all(ids)
        assert len(set(ids)) == len(ids)
        for each in step.faces:
            assert each.smoothed is not None
            assert tuple(each.smoothed) == EMOTIONS
            assert all(0 <= share <= 1 for share in each.smoothed.values())
            assert math.isclose(sum(each.smoothed.values()), 1, abs_tol=1e-6)
        state = step.state


@untimed
@given(frames)
def test_ids_are_never_reused(film: list[tuple[float, list[FaceEmotion]]]) -> None:
    state, at_s = TrackerState("t"), 0.0
    gone: set[str] = set()
    for elapsed_s, found in film:
        at_s += elapsed_s
        before = {track.face_id for track in state.tracks}
        step = update(state, found, at_s)
        state = step.state
        now = {track.face_id for track in state.tracks}
        assert now.isdisjoint(gone)
        assert {each.face_id for each in step.faces} <= now
        gone |= before - now


@untimed
@given(frames)
def test_the_same_input_gives_the_same_output(film: list[tuple[float, list[FaceEmotion]]]) -> None:
    state, at_s = TrackerState("t"), 0.0
    for elapsed_s, found in film:
        at_s += elapsed_s
        before, given_faces = repr(state), repr(found)
        step = update(state, found, at_s)
        assert update(state, found, at_s) == step
        assert predict_boxes(state, at_s) == predict_boxes(state, at_s)
        assert (repr(state), repr(found)) == (before, given_faces)
        state = step.state


@settings(max_examples=25, deadline=None)
@given(
    fps=st.sampled_from([5, 8, 15, 30]),
    sides=st.lists(st.floats(40, 110), min_size=2, max_size=5),
    reach=st.floats(0, 60),
    pace=st.floats(0.2, 2.0),
    seed=st.integers(0, 10_000),
)
def test_ids_never_swap_on_separated_paths(fps: int, sides: list[float], reach: float, pace: float, seed: int) -> None:
    def path(column: int, side: float) -> Path:
        return lambda t: (
            150 + 300 * column + reach * math.sin(pace * t + column),
            300 + reach * math.cos(pace * t),
            side,
        )

    people = {str(column): path(column, side) for column, side in enumerate(sides)}
    ids = ids_by_name(list(watch(people, 4.0, fps, Detector(jitter=0.04, missed=0.3), seed)))
    assert [len(given_ids) for given_ids in ids.values()] == [1] * len(people)
    assert len(set().union(*ids.values())) == len(people)


FACE = face(Box(500, 300, 160, 160))


def steadily(start_s: float, frames: int = 60, fps: float = 15) -> TrackerUpdate:
    step = update(TrackerState("t"), [FACE], start_s)
    for frame in range(1, frames):
        step = update(step.state, [FACE], start_s + frame / fps)
    return step


@pytest.mark.parametrize("jump_s", [-3600.0, -0.05, 0.0, 0.9])
def test_track_survives_a_jump_of_the_clock(jump_s: float) -> None:
    before = steadily(1000.0)
    at_s = (before.state.at_s or 0.0) + jump_s
    after = update(before.state, [FACE], at_s)
    assert after.faces[0].face_id == before.faces[0].face_id
    assert after.events == ()
    later = update(after.state, [FACE], at_s + 0.1)
    assert later.faces[0].face_id == before.faces[0].face_id


def test_a_clock_that_is_set_back_makes_no_duration_negative() -> None:
    step = steadily(1000.0)
    step = update(step.state, [FACE], 10.0)
    step = update(step.state, [], 20.0)
    (ended,) = step.events
    assert ended.kind == "emotion_ended"
    assert ended.at_s == 10.0
    assert ended.duration_s == pytest.approx(59 / 15, abs=0.3)


def test_face_after_a_long_gap_gets_a_new_id() -> None:
    before = steadily(1000.0)
    after = update(before.state, [FACE], (before.state.at_s or 0.0) + 10)
    assert after.faces[0].face_id != before.faces[0].face_id
    assert [event.kind for event in after.events] == ["emotion_ended"]


@pytest.mark.parametrize("at_s", [math.nan, math.inf, -math.inf])
def test_time_that_is_not_finite_is_rejected(at_s: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        update(TrackerState("t"), [FACE], at_s)


def test_box_without_an_area_is_tracked() -> None:
    step = update(TrackerState("t"), [face(Box(5, 5, 0, 0))], 0.0)
    assert predict_boxes(step.state, 0.1)[0][1].w >= 1


def test_no_box_is_predicted_before_the_first_frame() -> None:
    assert predict_boxes(TrackerState("t"), 5.0) == ()


def test_predicted_box_follows_the_motion() -> None:
    film = list(watch({"a": lambda t: (200 + 200 * t, 300, 160)}, 2.0, 15, Detector(), seed=1))
    state = film[-1].step.state
    last_s = film[-1].at_s
    for ahead_s in (0.0, 0.1, 0.3):
        ((face_id, box),) = predict_boxes(state, last_s + ahead_s)
        assert face_id == film[-1].step.faces[0].face_id
        assert abs(box.x + box.w / 2 - (200 + 200 * (last_s + ahead_s))) < 0.1 * 160
        assert abs(box.w - 160) < 16


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_predicted_box_of_a_missed_still_face_covers_it(fps: int) -> None:
    for seed in range(10):
        film = list(watch({"a": lambda _: (600, 300, 160)}, 3.0, fps, Detector(jitter=0.04), seed))
        state = film[-1].step.state
        for ahead_s in (0.1, 0.3, 0.5):
            ((_, box),) = predict_boxes(update(state, [], film[-1].at_s + ahead_s).state, film[-1].at_s + ahead_s)
            assert abs(box.x + box.w / 2 - 600) < 0.35 * 160
            assert 0.7 < box.w / 160 < 1.4


def test_no_box_is_predicted_for_a_face_that_left() -> None:
    step = steadily(0.0)
    left_s = step.state.at_s or 0.0
    assert len(predict_boxes(step.state, left_s + 0.9)) == 1
    assert predict_boxes(step.state, left_s + 1.1) == ()
    assert update(step.state, [], left_s + 1.1).state.tracks == ()


def test_a_time_before_the_last_frame_counts_as_that_frame() -> None:
    step = steadily(100.0)
    assert predict_boxes(step.state, 0.0) == predict_boxes(step.state, step.state.at_s or 0.0)
