"""From a camera's name to its newest frame, or to the reason why there is none."""

from collections.abc import Sequence
from time import monotonic

from services.contracts.cameras import CAMERA_ID_PATTERN, is_camera_id
from services.contracts.problems import ProblemKind
from services.gateway.deadline import Deadline
from services.gateway.frames import Frame, FrameStore, KnownCamera, ListedCamera
from services.gateway.sharing import SharedCalls
from services.runtime.problems import ProblemError

OVERVIEW_S = 0.2
"""How long a reading of all cameras is good for."""


class CameraFrames:
    """Fresh frames; those who ask for the same camera at the same time share one reading."""

    def __init__(self, store: FrameStore, max_age_s: float) -> None:
        self._store = store
        self._max_age_s = max_age_s
        self._listings: SharedCalls[None, list[str]] = SharedCalls()
        self._readings: SharedCalls[str, KnownCamera | None] = SharedCalls()
        self._overviews: SharedCalls[None, Sequence[ListedCamera]] = SharedCalls()
        self._overview: Sequence[ListedCamera] = ()
        self._overview_until_s = float("-inf")

    async def choose(self, camera: str | None, by: Deadline) -> str:
        """Return the named camera, or the only one there is, by then.

        Raises:
            ProblemError: The name is malformed; none is named and there are several, or none.
        """
        if camera is not None:
            return require_camera_id(camera)
        cameras = await self._listings.run(None, lambda: self._store.camera_ids(by))
        if not cameras:
            raise ProblemError(ProblemKind.NO_CAMERA, "No camera has registered; is capture running?")
        if len(cameras) > 1:
            raise ProblemError(ProblemKind.CAMERA_AMBIGUOUS, "Name one of the cameras with ?camera=", cameras=cameras)
        return cameras[0]

    async def all(self, by: Deadline) -> Sequence[ListedCamera]:
        """Return all cameras, as of a moment ago at most, by then; the store is read once for all who ask meanwhile.

        Raises:
            ProblemError: The store fails.
        """
        if monotonic() < self._overview_until_s:
            return self._overview
        return await self._overviews.run(None, lambda: self._read_all(by))

    async def _read_all(self, by: Deadline) -> Sequence[ListedCamera]:
        self._overview = await self._store.listed_cameras(by)
        self._overview_until_s = monotonic() + OVERVIEW_S
        return self._overview

    async def known(self, camera: str, by: Deadline) -> KnownCamera:
        """Return what there is of a camera, by then.

        Raises:
            ProblemError: There is no such camera, or the store fails.
        """
        known = await self._readings.run(camera, lambda: self._store.known_camera(camera, by))
        if known is None:
            raise ProblemError(ProblemKind.CAMERA_NOT_FOUND, f"No camera {camera} has registered")
        return known

    async def newest(self, camera: str, by: Deadline) -> Frame:
        """Return a camera's newest frame, by then.

        Raises:
            ProblemError: There is no such camera, or it has no fresh frame.
        """
        known = await self.known(camera, by)
        frame = known.newest
        if frame is None or frame.age_ms() > self._max_age_s * 1e3:
            raise ProblemError(ProblemKind.NO_FRESH_FRAME, _why_no_frame(known), camera=camera)
        return frame


def require_camera_id(camera: str) -> str:
    """Return the text if it can name a camera.

    Raises:
        ProblemError: It can't.
    """
    if not is_camera_id(camera):
        raise ProblemError(ProblemKind.INVALID_PARAMETER, f"camera must match {CAMERA_ID_PATTERN}, got {camera[:64]!r}")
    return camera


def _why_no_frame(known: KnownCamera) -> str:
    if known.newest is not None:
        frame = f"Camera {known.camera}'s newest frame is {known.newest.age_ms() / 1e3:.1f} s old"
    elif known.fault:
        frame = f"Camera {known.camera} has no frame that can be used: {known.fault}"
    else:
        frame = f"Camera {known.camera} has no frame"
    return f"{frame}; {state_of(known)}"


def state_of(known: KnownCamera) -> str:
    """Return what a camera's capture says of it, as part of a sentence."""
    if known.status is None:
        return "its state isn't known" if known.fault else "its capture process has gone"
    reason = f": {known.status.last_error}" if known.status.last_error else ""
    return f"it is {known.status.state.value}{reason}"
