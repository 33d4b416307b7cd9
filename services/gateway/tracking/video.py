"""Tracking over the images of one connection, which are the frames of one video."""

from collections.abc import Sequence
from time import monotonic

from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.tracker import TrackerState, TrackerUpdate, update
from services.runtime.clock import Clock

ID_PREFIX = "face-"
"""Ids start at 1 in each connection, so the same video gets the same ids each time."""


class VideoTracker:
    """Tracks the faces of one video, frame by frame.

    A frame has the time that the client gave it. Without one, its time is the last frame's plus the time between their
    arrivals; the first frame then has the time 0.
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._state = TrackerState(ID_PREFIX)
        self._given_at_s: float | None = None
        self._last_at_s: float | None = None
        self._analysed_at_s: float | None = None
        self._last_arrival_s = 0.0

    def set_time(self, at_s: float) -> None:
        """Set the time of the next frame, in seconds.

        Raises:
            ValueError: It is before the time of the last analysed frame; other frames may be sent again.
        """
        if self._analysed_at_s is not None and at_s < self._analysed_at_s:
            raise ValueError(f"at_s is {at_s:g}, before the last analysed frame's {self._analysed_at_s:g}")
        self._given_at_s = at_s

    def next_time(self) -> float:
        """Return the time of the frame that arrives now, whether or not it can be analysed."""
        arrival_s = self._clock()
        if self._given_at_s is not None:
            at_s = self._given_at_s
        elif self._last_at_s is not None:
            at_s = self._last_at_s + max(0.0, arrival_s - self._last_arrival_s)
        else:
            at_s = 0.0
        self._given_at_s, self._last_at_s, self._last_arrival_s = None, at_s, arrival_s
        return at_s

    def update(self, faces: Sequence[FaceEmotion], at_s: float) -> TrackerUpdate:
        """Track the faces of a frame; frames come in order."""
        tracked = update(self._state, faces, at_s)
        self._state = tracked.state
        self._analysed_at_s = at_s
        return tracked
