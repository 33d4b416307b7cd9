"""The faces of one camera from frame to frame."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.contracts.geometry import Box
from services.contracts.live import EmotionEvent
from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.limits import DEFAULT_LIMITS, TrackingLimits


@dataclass(frozen=True)
class Tracks:
    """What is known of one camera's faces; a value that never changes."""

    id_prefix: str

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
        events: What began and ended, in the order of time.
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
    raise NotImplementedError


def expected_boxes(tracks: Tracks, at_s: float, limits: TrackingLimits = DEFAULT_LIMITS) -> tuple[tuple[str, Box], ...]:
    """Return where each face should be at a time: its id and box, which may reach over the picture's border.

    They are hints for the detector, and stand in for faces that it missed. A face is left out once it is gone for
    longer than ``max_missed_s``.
    """
    raise NotImplementedError


def steady_faces(step: Step) -> tuple[FaceEmotion, ...]:
    """Return a step's faces with the emotion that each shows steadily, for pictures whose labels don't flicker.

    ``emotion`` is the one that began and hasn't ended, and ``reliable`` true; else the most probable of ``smoothed``,
    and ``reliable`` false. ``confidence`` is its smoothed probability.
    """
    raise NotImplementedError
