"""The faces of one camera from frame to frame."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import services.gateway.tracking.motion as moving
from services.contracts.emotions import Emotion
from services.contracts.geometry import Box
from services.contracts.live import EmotionEvent
from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.config import DEFAULT_LIMITS, TrackingLimits
from services.gateway.tracking.emotion_state import (
    NO_EVIDENCE,
    Evidence,
    Shown,
    events,
    gathered,
    left,
    smoothed,
    updated,
)
from services.gateway.tracking.matching import associate
from services.gateway.tracking.motion import Motion, as_box, later


@dataclass(frozen=True)
class Track:
    """What is known of a face, as of its last sighting."""

    face_id: str
    seen_at_s: float
    motion: Motion
    evidence: Evidence
    shown: Shown


def first_seen(face_id: str, face: FaceEmotion, at_s: float, limits: TrackingLimits) -> Track:
    """Return the track of a new face."""
    evidence = gathered(NO_EVIDENCE, face, None, limits)
    return Track(
        face_id=face_id,
        seen_at_s=at_s,
        motion=moving.begin(face.box, limits),
        evidence=evidence,
        shown=updated(Shown(None, at_s), smoothed(evidence), evidence.total_s, at_s, limits),
    )


def seen_again(track: Track, face: FaceEmotion, at_s: float, limits: TrackingLimits) -> Track:
    """Return the track after another sighting."""
    elapsed_s = at_s - track.seen_at_s
    evidence = gathered(track.evidence, face, elapsed_s, limits)
    return Track(
        face_id=track.face_id,
        seen_at_s=at_s,
        motion=moving.seen(moving.later(track.motion, elapsed_s, limits), face.box, limits),
        evidence=evidence,
        shown=updated(track.shown, smoothed(evidence), evidence.total_s, at_s, limits),
    )


def shifted(track: Track, by_s: float) -> Track:
    """Return the track by a clock that was set by so much."""
    shown, other_since_s = track.shown, track.shown.other_since_s
    return replace(
        track,
        seen_at_s=track.seen_at_s + by_s,
        shown=replace(
            shown,
            since_s=shown.since_s + by_s,
            other_since_s=None if other_since_s is None else other_since_s + by_s,
        ),
    )


@dataclass(frozen=True)
class Tracks:
    """What is known of one camera's faces; a value that never changes.

    Attributes:
        id_prefix: Begins each ``face_id``.
        ids_given: How many, so that none is given twice.
        at_s: The last frame's time; None before the first.
        live: Faces in view, and those missed for a moment, in the order of their first sightings.
    """

    id_prefix: str
    ids_given: int = 0
    at_s: float | None = None
    live: tuple[Track, ...] = ()

    @staticmethod
    def none(id_prefix: str) -> "Tracks":
        """Return the tracks of a camera before its first frame.

        Args:
            id_prefix: Begins each ``face_id``; where it differs from session to session, so do the ids.
        """
        return Tracks(id_prefix)


@dataclass(frozen=True)
class Step:
    """What one frame changed.

    Attributes:
        tracks: For the next frame.
        faces: The faces given, in their order, with ``face_id`` and ``smoothed`` filled.
        events: What began and ended, by the time at which it did: up to the dwell time, or the time until a face
            counts as gone, before this frame.
    """

    tracks: Tracks
    faces: tuple[FaceEmotion, ...]
    events: tuple[EmotionEvent, ...]


def advance(tracks: Tracks, faces: Sequence[FaceEmotion], at_s: float, limits: TrackingLimits = DEFAULT_LIMITS) -> Step:
    """Follow a camera's faces into its next frame. The same input gives the same output.

    Args:
        tracks: After the frame before.
        faces: Found in this frame, in any order.
        at_s: The frame's capture time in seconds. If it is before the last frame's, the clock was set back and the
            tracks move with it; faces and ids stay.
        limits: How faces are followed.

    Raises:
        ValueError: The time is not a finite number.
    """
    if not isfinite(at_s):
        raise ValueError(f"a frame's time must be finite, got {at_s}")
    known = _by_clock(tracks, at_s)
    gone = [track for track in known if at_s - track.seen_at_s > limits.max_missed_s]
    known = [track for track in known if at_s - track.seen_at_s <= limits.max_missed_s]

    motions = [later(track.motion, at_s - track.seen_at_s, limits) for track in known]
    matches = associate(motions, [face.box for face in faces], limits)
    ids_given = tracks.ids_given
    here: list[Track] = []
    for face, match in zip(faces, matches, strict=True):
        if match is None:
            ids_given += 1
            here.append(first_seen(f"{tracks.id_prefix}{ids_given}", face, at_s, limits))
        else:
            here.append(seen_again(known[match], face, at_s, limits))

    followed = {match: track for match, track in zip(matches, here, strict=True) if match is not None}
    changed = [events(known[match].face_id, known[match].shown, track.shown) for match, track in followed.items()]
    ended = [left(track.face_id, track.shown, track.seen_at_s) for track in gone]
    new = [track for track, match in zip(here, matches, strict=True) if match is None]
    return Step(
        tracks=Tracks(
            tracks.id_prefix,
            ids_given,
            at_s,
            (*(followed.get(index, track) for index, track in enumerate(known)), *new),
        ),
        faces=tuple(
            replace(face, face_id=track.face_id, smoothed=dict(smoothed(track.evidence)))
            for face, track in zip(faces, here, strict=True)
        ),
        events=_in_time((*ended, *changed)),
    )


def expected_boxes(tracks: Tracks, at_s: float, limits: TrackingLimits = DEFAULT_LIMITS) -> tuple[tuple[str, Box], ...]:
    """Return where each face should be at a time: its id and box, which may reach over the picture's border.

    They are hints for the detector, and stand in for faces that it missed. A face is left out once it is gone for
    longer than ``max_missed_s``. A time before the last frame's counts as that frame's.
    """
    if tracks.at_s is None:
        return ()
    at_s = max(at_s, tracks.at_s)
    return tuple(
        (track.face_id, as_box(later(track.motion, at_s - track.seen_at_s, limits)))
        for track in tracks.live
        if at_s - track.seen_at_s <= limits.max_missed_s
    )


def steady_faces(step: Step) -> tuple[FaceEmotion, ...]:
    """Return a step's faces with the emotion that each shows steadily, for pictures whose labels don't flicker.

    ``emotion`` is the one that began and hasn't ended, and ``reliable`` true; else the most probable of ``smoothed``,
    and ``reliable`` false. ``confidence`` is its smoothed probability.
    """
    shown = {track.face_id: track.shown.emotion for track in step.tracks.live}
    return tuple(_steady(face, shown.get(face.face_id or "")) for face in step.faces)


def _steady(face: FaceEmotion, shown: Emotion | None) -> FaceEmotion:
    probabilities = face.smoothed or face.probabilities
    emotion = shown or max(probabilities, key=lambda emotion: probabilities[emotion])
    return replace(face, emotion=emotion, confidence=probabilities[emotion], reliable=shown is not None)


def _by_clock(tracks: Tracks, at_s: float) -> Sequence[Track]:
    if tracks.at_s is None or at_s >= tracks.at_s:
        return tracks.live
    return [shifted(track, at_s - tracks.at_s) for track in tracks.live]


def _in_time(groups: Iterable[tuple[EmotionEvent, ...]]) -> tuple[EmotionEvent, ...]:
    return tuple(sorted((event for group in groups for event in group), key=lambda event: event.at_s))
