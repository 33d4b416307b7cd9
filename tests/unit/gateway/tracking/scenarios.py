"""People who move by a script, as a Haar detector sees them."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import Box
from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.tracker import TrackerState, TrackerUpdate, update

Path = Callable[[float], tuple[float, float, float] | None]
"""Seconds → centre and side of a face in pixels, or None while it isn't in view."""


@dataclass(frozen=True)
class Detector:
    """What stands between a face and its box.

    Attributes:
        jitter: Standard deviation of the centre, in sides; the side's is as large.
        missed: Share of faces not found.
        longest_miss_s: No face is missed for longer between two sightings.
        shuffled: Whether the order of the faces is by chance.
    """

    jitter: float = 0.0
    missed: float = 0.0
    longest_miss_s: float = 0.9
    shuffled: bool = True


@dataclass(frozen=True)
class Seen:
    """A frame's step, and whose face each of its faces is."""

    at_s: float
    names: tuple[str, ...]
    step: TrackerUpdate

    @property
    def ids(self) -> dict[str, str]:
        return {name: face.face_id or "" for name, face in zip(self.names, self.step.faces, strict=True)}


def probabilities(**shares: float) -> dict[Emotion, float]:
    rest = (1 - sum(shares.values())) / (len(EMOTIONS) - len(shares))
    return {emotion: shares.get(emotion.value, rest) for emotion in EMOTIONS}


HAPPY = probabilities(happy=0.9)


def face(box: Box, scores: Mapping[Emotion, float] = HAPPY, sharpness: float = 0.5) -> FaceEmotion:
    best = max(scores, key=lambda emotion: scores[emotion])
    return FaceEmotion(box, best, scores[best], scores[best] > 0.65, dict(scores), sharpness)


def box_at(x: float, y: float, side: float) -> Box:
    return Box(round(x - side / 2), round(y - side / 2), round(side), round(side))


def watch(
    people: Mapping[str, Path], seconds: float, fps: float, detector: Detector, seed: int, start_s: float = 0.0
) -> Iterator[Seen]:
    """Follow people through a film."""
    chance = random.Random(seed)
    state = TrackerState("t")
    last_seen: dict[str, float] = {}
    for frame in range(round(seconds * fps)):
        after_s = frame / fps
        found: list[tuple[str, FaceEmotion]] = []
        for name, path in people.items():
            place = path(after_s)
            too_long = after_s + 1 / fps - last_seen.get(name, after_s) > detector.longest_miss_s
            if place is None or (chance.random() < detector.missed and not too_long):
                continue
            last_seen[name] = after_s
            x, y, side = place
            spread = detector.jitter * side
            moved = (x + chance.gauss(0, spread), y + chance.gauss(0, spread), side + chance.gauss(0, spread))
            found.append((name, face(box_at(*moved))))
        if detector.shuffled:
            chance.shuffle(found)
        step = update(state, [each for _, each in found], start_s + after_s)
        state = step.state
        yield Seen(start_s + after_s, tuple(name for name, _ in found), step)


def ids_by_name(film: Sequence[Seen]) -> dict[str, set[str]]:
    """Return every id that each person got."""
    ids: dict[str, set[str]] = {}
    for seen in film:
        for name, face_id in seen.ids.items():
            ids.setdefault(name, set()).add(face_id)
    return ids
