"""How a camera's frames are read: the newest."""

from time import monotonic

from services.contracts.problems import ProblemKind
from services.gateway.camera_frames import state_of
from services.gateway.deadline import Deadline
from services.gateway.frames import Frame, FrameStore, KnownCamera
from services.runtime.problems import ProblemError

BLOCK_S = 0.2
"""The longest that one reading waits for a frame."""

STALL_S = 0.7
"""A camera without a new frame for this long has stalled, unless its frames always come that slowly."""

_SLOW_CAMERA = 3.0
"""How many of its usual intervals a slow camera may take for a frame."""

_NEWEST_WEIGHT = 0.2
_READ_S = 1.0


class FrameReader:
    """Reads the newest frame of a camera; frames that arrive between two calls are skipped."""

    def __init__(self, camera: str, store: FrameStore, first: Frame) -> None:
        self._camera = camera
        self._store = store
        self._last = first.without_picture()
        self._interval_s = 0.0

    async def next(self) -> Frame | None:
        """Return the newest frame if it is a new one."""
        frame = await self._store.next_frame(self._camera, self._last.frame_id, BLOCK_S)
        if frame is None:
            silent_s = monotonic() - self._last.read_at_s
            if silent_s < max(STALL_S, _SLOW_CAMERA * self._interval_s):
                return None
            # Where Redis began anew, with its clock set back, the newest may have a lower id than the last.
            known = await read_again(self._store, self._camera)
            if known.newest is None or known.newest.frame_id == self._last.frame_id:
                raise silent(known)
            frame = known.newest
        if not self._interval_s or frame.read_at_s - self._last.read_at_s < STALL_S + _SLOW_CAMERA * self._interval_s:
            self._interval_s += _NEWEST_WEIGHT * (frame.read_at_s - self._last.read_at_s - self._interval_s)
        self._last = frame.without_picture()
        return frame


def soon() -> Deadline:
    """Return when a reading must be done; the store's own limit is shorter."""
    return Deadline.after(_READ_S)


async def read_again(store: FrameStore, camera: str) -> KnownCamera:
    """Return what there is of a camera now.

    Raises:
        ProblemError: There is no such camera.
    """
    known = await store.known_camera(camera, soon())
    if known is None:
        raise ProblemError(ProblemKind.CAMERA_NOT_FOUND, f"No camera {camera} has registered")
    return known


def silent(known: KnownCamera) -> ProblemError:
    """Return the problem of a camera whose frames don't come; it says the same as long as nothing changes."""
    frames = f"no frames that can be used: {known.fault}" if known.fault else "no frames"
    detail = f"Camera {known.camera} sends {frames}; {state_of(known)}"
    return ProblemError(ProblemKind.NO_FRESH_FRAME, detail, camera=known.camera)
