"""One face over time."""

from dataclasses import dataclass, replace

from services.contracts.prediction import FaceEmotion
from services.gateway.tracking import motion as moving
from services.gateway.tracking.emotion_events import Shown, updated
from services.gateway.tracking.limits import TrackingLimits
from services.gateway.tracking.motion import Motion
from services.gateway.tracking.smoothing import NO_EVIDENCE, Evidence, gathered, smoothed


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
