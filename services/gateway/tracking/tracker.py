"""The faces of one camera or video from frame to frame."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from services.contracts.emotions import Emotion
from services.contracts.geometry import Box
from services.contracts.live import EmotionEvent
from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.config import DEFAULT_CONFIG, TrackerConfig
from services.gateway.tracking.emotion_state import EmotionEma, EmotionState
from services.gateway.tracking.matching import match_boxes
from services.gateway.tracking.motion import Motion


@dataclass(frozen=True)
class Track:
    """One face as of its last sighting."""

    face_id: str
    seen_at_s: float
    motion: Motion
    smoothed: EmotionEma
    state: EmotionState

    @staticmethod
    def initiate(face_id: str, face: FaceEmotion, at_s: float, config: TrackerConfig) -> "Track":
        """Return the track of a new face."""
        smoothed = EmotionEma().accumulate(face, None, config)
        state = EmotionState(None, at_s).update(smoothed, at_s, config)
        return Track(face_id, at_s, Motion.initiate(face.box, config), smoothed, state)

    def update(self, face: FaceEmotion, at_s: float, config: TrackerConfig) -> "Track":
        """Return the track after another sighting."""
        elapsed_s = at_s - self.seen_at_s
        smoothed = self.smoothed.accumulate(face, elapsed_s, config)
        motion = self.motion.predict(elapsed_s, config).update(face.box, config)
        return Track(self.face_id, at_s, motion, smoothed, self.state.update(smoothed, at_s, config))

    def shift_clock(self, by_s: float) -> "Track":
        """Return the track after the clock was changed by this many seconds."""
        return replace(self, seen_at_s=self.seen_at_s + by_s, state=self.state.shift_clock(by_s))


@dataclass(frozen=True)
class TrackerState:
    """The faces of one camera or video; immutable.

    Attributes:
        id_prefix: Start of each ``face_id``; a prefix of its own gives each session its own ids.
        ids_used: Number of ids, so that none is used twice.
        at_s: The last frame's time; None before the first.
        tracks: Faces in view and faces missed for a moment, in the order of their first sightings.
    """

    id_prefix: str
    ids_used: int = 0
    at_s: float | None = None
    tracks: tuple[Track, ...] = ()


@dataclass(frozen=True)
class TrackerUpdate:
    """The outcome of one frame.

    Attributes:
        state: For the next frame.
        faces: The given faces, in their order, with ``face_id`` and ``smoothed``.
        events: Emotions that started and ended, sorted by time. An event's time is earlier than the frame's by up to
            the dwell time, or by the time until a face counts as gone.
    """

    state: TrackerState
    faces: tuple[FaceEmotion, ...]
    events: tuple[EmotionEvent, ...]


def update(
    state: TrackerState, faces: Sequence[FaceEmotion], at_s: float, config: TrackerConfig = DEFAULT_CONFIG
) -> TrackerUpdate:
    """Track the faces of the next frame. The same input gives the same output.

    Args:
        state: After the frame before.
        faces: Found in this frame, in any order.
        at_s: The frame's time in seconds. If it is before the last frame's, the clock was set back: the tracks move
            with it, and faces and ids stay.
        config: The tracker's parameters.

    Raises:
        ValueError: The time is not a finite number.
    """
    if not isfinite(at_s):
        raise ValueError(f"a frame's time must be finite, got {at_s}")
    known = _shifted_to(state, at_s)
    gone = [track for track in known if at_s - track.seen_at_s > config.max_missed_s]
    known = [track for track in known if at_s - track.seen_at_s <= config.max_missed_s]

    motions = [track.motion.predict(at_s - track.seen_at_s, config) for track in known]
    matches = match_boxes(motions, [face.box for face in faces], config)
    ids_used = state.ids_used
    current: list[Track] = []
    for face, match in zip(faces, matches, strict=True):
        if match is None:
            ids_used += 1
            current.append(Track.initiate(f"{state.id_prefix}{ids_used}", face, at_s, config))
        else:
            current.append(known[match].update(face, at_s, config))

    matched = {match: track for match, track in zip(matches, current, strict=True) if match is not None}
    changed = [track.state.events_since(known[match].state, track.face_id) for match, track in matched.items()]
    ended = [track.state.close(track.face_id, track.seen_at_s) for track in gone]
    new = [track for track, match in zip(current, matches, strict=True) if match is None]
    tracks = (*(matched.get(index, track) for index, track in enumerate(known)), *new)
    return TrackerUpdate(
        state=TrackerState(state.id_prefix, ids_used, at_s, tracks),
        faces=tuple(
            replace(face, face_id=track.face_id, smoothed=track.smoothed.probabilities())
            for face, track in zip(faces, current, strict=True)
        ),
        events=_sorted_by_time((*ended, *changed)),
    )


def predict_boxes(
    state: TrackerState, at_s: float, config: TrackerConfig = DEFAULT_CONFIG
) -> tuple[tuple[str, Box], ...]:
    """Return the predicted box of each face at a time, with its id; a box may reach over the picture's border.

    The detector searches around these boxes, and blurring uses them for faces that it missed. Faces unseen for longer
    than ``max_missed_s`` are left out. A time before the last frame's counts as that frame's.
    """
    if state.at_s is None:
        return ()
    at_s = max(at_s, state.at_s)
    return tuple(
        (track.face_id, track.motion.predict(at_s - track.seen_at_s, config).to_box())
        for track in state.tracks
        if at_s - track.seen_at_s <= config.max_missed_s
    )


def stable_faces(tracked: TrackerUpdate) -> tuple[FaceEmotion, ...]:
    """Return the faces with the emotion of their state, for labels that do not flicker.

    ``emotion`` is the one that started and has not ended, and ``reliable`` is true; without one, it is the most
    probable of ``smoothed``, and ``reliable`` is false. ``confidence`` is its smoothed probability.
    """
    emotions = {track.face_id: track.state.emotion for track in tracked.state.tracks}
    return tuple(_stable_face(face, emotions.get(face.face_id or "")) for face in tracked.faces)


def _stable_face(face: FaceEmotion, current: Emotion | None) -> FaceEmotion:
    probabilities = face.smoothed or face.probabilities
    emotion = current or max(probabilities, key=lambda emotion: probabilities[emotion])
    return replace(face, emotion=emotion, confidence=probabilities[emotion], reliable=current is not None)


def _shifted_to(state: TrackerState, at_s: float) -> Sequence[Track]:
    if state.at_s is None or at_s >= state.at_s:
        return state.tracks
    return [track.shift_clock(at_s - state.at_s) for track in state.tracks]


def _sorted_by_time(groups: Iterable[tuple[EmotionEvent, ...]]) -> tuple[EmotionEvent, ...]:
    return tuple(sorted((event for group in groups for event in group), key=lambda event: event.at_s))
