import math
from collections.abc import Mapping

import pytest

from services.contracts.emotions import Emotion
from services.contracts.geometry import Box
from services.gateway.tracking.tracks import Tracks, advance
from tests.unit.gateway.tracking.scripted import face, probabilities

LARGE = Box(500, 300, 200, 200)
CALM, SMILE = probabilities(neutral=0.9), probabilities(happy=0.9)


def after_change(fps: float, seconds: float) -> float:
    """Return how happy a face is smoothed to be, some time after it changed at once."""
    tracks = Tracks.none("t")
    calm_s = 10.0
    happy = math.nan
    for frame in range(round((calm_s + seconds) * fps) + 1):
        at_s = frame / fps
        step = advance(tracks, [face(LARGE, CALM if at_s <= calm_s else SMILE)], at_s)
        tracks, happy = step.tracks, filled(step.faces[0].smoothed)[Emotion.HAPPY]
    return happy


def filled(smoothed: Mapping[Emotion, float] | None) -> Mapping[Emotion, float]:
    assert smoothed is not None
    return smoothed


def two_sightings(first: tuple[Box, float], second: tuple[Box, float]) -> float:
    """Return how happy a calm face with a second, smiling sighting is; each with its box and sharpness."""
    step = advance(Tracks.none("t"), [face(first[0], CALM, first[1])], 0.0)
    step = advance(step.tracks, [face(second[0], SMILE, second[1])], 0.2)
    return filled(step.faces[0].smoothed)[Emotion.HAPPY]


def test_a_first_sighting_is_its_own_average() -> None:
    step = advance(Tracks.none("t"), [face(LARGE, SMILE)], 0.0)
    assert filled(step.faces[0].smoothed) == pytest.approx(SMILE)
    assert step.faces[0].probabilities == SMILE


@pytest.mark.parametrize("seconds", [0.6, 1.0, 3.0])
def test_the_frame_rate_makes_no_difference(seconds: float) -> None:
    share = 1 - math.exp(-seconds / 1.0)
    expected = share * SMILE[Emotion.HAPPY] + (1 - share) * CALM[Emotion.HAPPY]
    for fps in (5, 10, 15, 30):
        assert after_change(fps, seconds) == pytest.approx(expected, abs=0.01)


def test_a_sharp_face_counts_more_than_a_blurred_one() -> None:
    assert two_sightings((LARGE, 0.5), (LARGE, 0.05)) < two_sightings((LARGE, 0.5), (LARGE, 0.5)) - 0.2


def test_a_large_face_counts_more_than_a_small_one() -> None:
    small = Box(550, 350, 36, 36)
    nearer = Box(546, 346, 44, 44)
    assert two_sightings((small, 0.5), (nearer, 0.5)) < two_sightings((small, 0.5), (small, 0.5)) + 0.1
    assert two_sightings((nearer, 0.5), (small, 0.5)) < two_sightings((small, 0.5), (nearer, 0.5)) - 0.03


def test_one_frame_after_a_gap_is_not_the_whole_truth() -> None:
    step = advance(Tracks.none("t"), [face(LARGE, CALM)], 0.0)
    for frame in range(1, 30):
        step = advance(step.tracks, [face(LARGE, CALM)], frame / 15)
    step = advance(step.tracks, [face(LARGE, SMILE)], 29 / 15 + 0.8)
    assert filled(step.faces[0].smoothed)[Emotion.HAPPY] < 0.5


def test_each_face_has_an_average_of_its_own() -> None:
    other = Box(100, 100, 120, 120)
    tracks = Tracks.none("t")
    for frame in range(30):
        found = [face(LARGE, SMILE), face(other, CALM)]
        step = advance(tracks, found if frame % 2 else found[::-1], frame / 15)
        tracks = step.tracks
    averages = {each.box: filled(each.smoothed) for each in step.faces}
    assert averages[LARGE] == pytest.approx(SMILE)
    assert averages[other] == pytest.approx(CALM)
