import math

from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.emotions import EMOTIONS
from services.contracts.geometry import Box
from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.tracks import Tracks, advance, expected_boxes
from tests.unit.gateway.tracking.scripted import Detector, Path, face, ids_by_name, watch

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
    tracks, at_s = Tracks.none("t"), start_s
    for elapsed_s, found in film:
        at_s += elapsed_s
        step = advance(tracks, found, at_s)
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
        tracks = step.tracks


@untimed
@given(frames)
def test_ids_are_never_reused(film: list[tuple[float, list[FaceEmotion]]]) -> None:
    tracks, at_s = Tracks.none("t"), 0.0
    gone: set[str] = set()
    for elapsed_s, found in film:
        at_s += elapsed_s
        before = {track.face_id for track in tracks.live}
        step = advance(tracks, found, at_s)
        tracks = step.tracks
        now = {track.face_id for track in tracks.live}
        assert now.isdisjoint(gone)
        assert {each.face_id for each in step.faces} <= now
        gone |= before - now


@untimed
@given(frames)
def test_the_same_input_gives_the_same_output(film: list[tuple[float, list[FaceEmotion]]]) -> None:
    tracks, at_s = Tracks.none("t"), 0.0
    for elapsed_s, found in film:
        at_s += elapsed_s
        before, given_faces = repr(tracks), repr(found)
        step = advance(tracks, found, at_s)
        assert advance(tracks, found, at_s) == step
        assert expected_boxes(tracks, at_s) == expected_boxes(tracks, at_s)
        assert (repr(tracks), repr(found)) == (before, given_faces)
        tracks = step.tracks


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
