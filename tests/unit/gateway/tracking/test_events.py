import random
from collections.abc import Callable, Mapping

import pytest

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import Box
from services.contracts.live import EmotionEvent
from services.gateway.tracking.tracks import Step, Tracks, advance, steady_faces
from tests.unit.gateway.tracking.scripted import face, probabilities

BOX = Box(500, 300, 160, 160)
CALM, SMILE, UNSURE = probabilities(neutral=0.85), probabilities(happy=0.85), probabilities(sad=0.36, neutral=0.32)

Scores = Callable[[float], Mapping[Emotion, float] | None]
"""Seconds → what the model says, or None where the face isn't found."""


def film(scores: Scores, seconds: float, fps: float = 15, sharpness: float = 0.5) -> list[tuple[float, Step]]:
    tracks, steps = Tracks.none("t"), []
    for frame in range(round(seconds * fps)):
        at_s = frame / fps
        told = scores(at_s)
        step = advance(tracks, [] if told is None else [face(BOX, told, sharpness)], at_s)
        tracks = step.tracks
        steps.append((at_s, step))
    return steps


def events(steps: list[tuple[float, Step]]) -> list[EmotionEvent]:
    return [event for _, step in steps for event in step.events]


def test_a_face_that_shows_one_emotion_begins_to_once() -> None:
    (started,) = events(film(lambda _: SMILE, 60))
    assert started == EmotionEvent("emotion_started", "t1", Emotion.HAPPY, 0.0, None)


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_a_smile_ends_the_calm_and_has_a_duration(fps: int) -> None:
    told = events(film(lambda t: SMILE if 4 <= t < 8 else CALM, 14, fps))
    assert [(event.kind, event.emotion) for event in told] == [
        ("emotion_started", Emotion.NEUTRAL),
        ("emotion_ended", Emotion.NEUTRAL),
        ("emotion_started", Emotion.HAPPY),
        ("emotion_ended", Emotion.HAPPY),
        ("emotion_started", Emotion.NEUTRAL),
    ]
    smiling = told[3]
    assert smiling.duration_s == pytest.approx(4, abs=0.5)
    assert smiling.at_s - told[2].at_s == smiling.duration_s
    assert [event.at_s for event in told] == sorted(event.at_s for event in told)


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_a_smile_is_told_within_two_and_a_half_seconds(fps: int) -> None:
    steps = film(lambda t: SMILE if t >= 4 else CALM, 8, fps)
    told_at = [at_s for at_s, step in steps for event in step.events if event.emotion is Emotion.HAPPY]
    assert 4 < told_at[0] < 6.5


def test_what_is_brief_is_no_change() -> None:
    told = events(film(lambda t: SMILE if 4 <= t < 4.4 else CALM, 10))
    assert [event.emotion for event in told] == [Emotion.NEUTRAL]


def test_nothing_begins_on_what_does_not_convince() -> None:
    assert events(film(lambda _: UNSURE, 30)) == []


def test_nothing_begins_on_a_face_that_is_hardly_visible() -> None:
    assert events(film(lambda _: SMILE, 30, sharpness=0.01)) == []


def test_doubt_ends_an_emotion_without_another_beginning() -> None:
    told = events(film(lambda t: SMILE if t < 5 else UNSURE, 15))
    assert [(event.kind, event.emotion) for event in told] == [
        ("emotion_started", Emotion.HAPPY),
        ("emotion_ended", Emotion.HAPPY),
    ]


def test_who_leaves_ends_with_the_last_sighting() -> None:
    steps = film(lambda t: SMILE if t <= 5 else None, 8)
    ended = events(steps)[-1]
    assert (ended.kind, ended.at_s, ended.duration_s) == ("emotion_ended", 5.0, 5.0)
    assert next(at_s for at_s, step in steps if ended in step.events) == pytest.approx(6, abs=0.1)


def test_half_a_second_of_misses_ends_nothing() -> None:
    told = events(film(lambda t: None if 4 <= t < 4.5 else SMILE, 10))
    assert [event.kind for event in told] == ["emotion_started"]


@pytest.mark.parametrize("fps", [5, 15])
@pytest.mark.parametrize(("first", "second"), [(0.48, 0.42), (0.55, 0.35), (0.5, 0.3), (0.42, 0.22)])
def test_a_still_face_changes_once_a_minute_at_most(first: float, second: float, fps: int) -> None:
    """A still face's scores vary by 0.07 (measured on FER2013 with jittered boxes); here by nearly twice that."""
    for seed in range(2):
        chance = random.Random(seed)

        def noisy(_: float, chance: random.Random = chance) -> Mapping[Emotion, float]:
            told = probabilities(sad=first, neutral=second)
            moved = {emotion: max(0.001, told[emotion] + chance.gauss(0, 0.12)) for emotion in EMOTIONS}
            return {emotion: share / sum(moved.values()) for emotion, share in moved.items()}

        steps = film(noisy, 60, fps)
        labels = [max(step.faces[0].probabilities.items(), key=lambda item: item[1])[0] for _, step in steps]
        assert sum(one != other for one, other in zip(labels, labels[1:], strict=False)) > 5
        assert len({event.at_s for event in events(steps)}) <= 1
        drawn = [steady_faces(step)[0] for _, step in steps]
        changes = sum(one.reliable != other.reliable for one, other in zip(drawn, drawn[1:], strict=False))
        assert changes <= 1


def test_a_steady_face_shows_what_began() -> None:
    steps = film(lambda t: SMILE if t >= 4 else CALM, 8)
    early, (drawn,) = steady_faces(steps[3][1])[0], steady_faces(steps[-1][1])
    assert (early.emotion, early.reliable) == (Emotion.NEUTRAL, False)
    assert (drawn.emotion, drawn.reliable) == (Emotion.HAPPY, True)
    assert drawn.smoothed is not None
    assert drawn.confidence == drawn.smoothed[Emotion.HAPPY]
    assert drawn.probabilities == SMILE
    just_after = next(steady_faces(step)[0] for at_s, step in steps if at_s > 4.1)
    assert just_after.emotion is Emotion.NEUTRAL
