"""From a camera's name to its newest frame, or to the reason why there is none."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from services.contracts.cameras import CAMERA_ID_PATTERN, is_camera_id
from services.contracts.frames import FRAMES_TTL_S
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.analysis.pipeline import Analysis, Pipeline
from services.gateway.analysis.singleflight import SharedCalls
from services.gateway.protocols import Deadline, Frame, FrameStore, KnownCamera, ListedCamera

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
            ServiceError: The name is malformed; none is named and there are several, or none.
        """
        if camera is not None:
            return require_camera_id(camera)
        cameras = await self._listings.run(None, lambda: self._store.camera_ids(by))
        if not cameras:
            raise ServiceError(ProblemKind.NO_CAMERA, "No camera has registered; is capture running?")
        if len(cameras) > 1:
            raise ServiceError(ProblemKind.CAMERA_AMBIGUOUS, "Name one of the cameras with ?camera=", cameras=cameras)
        return cameras[0]

    async def all(self, by: Deadline) -> Sequence[ListedCamera]:
        """Return all cameras, as of a moment ago at most, by then; the store is read once for all who ask meanwhile.

        Raises:
            ServiceError: The store fails.
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
            ServiceError: There is no such camera, or the store fails.
        """
        known = await self._readings.run(camera, lambda: self._store.known_camera(camera, by))
        if known is None:
            raise ServiceError(ProblemKind.CAMERA_NOT_FOUND, f"No camera {camera} has registered")
        return known

    async def newest(self, camera: str, by: Deadline) -> Frame:
        """Return a camera's newest frame, by then.

        Raises:
            ServiceError: There is no such camera, or it has no fresh frame.
        """
        known = await self.known(camera, by)
        frame = known.newest
        if frame is None or frame.age_ms() > self._max_age_s * 1e3:
            raise ServiceError(ProblemKind.NO_FRESH_FRAME, _why_no_frame(known), camera=camera)
        return frame


def require_camera_id(camera: str) -> str:
    """Return the text if it can name a camera.

    Raises:
        ServiceError: It can't.
    """
    if not is_camera_id(camera):
        raise ServiceError(ProblemKind.INVALID_PARAMETER, f"camera must match {CAMERA_ID_PATTERN}, got {camera[:64]!r}")
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


MAX_KEPT = 256
"""Most cameras whose last analysis is kept. One that is older than Redis keeps frames goes with the next."""


class CameraAnalyses:
    """One analysis of each camera at a time; the last of each is kept for who asks next.

    Those who come while one runs share it, though the camera may have sent a newer frame since: its
    answer is no older than that of the one who asked first. So a camera costs the detector one image
    at a time, however many ask for it.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._running: SharedCalls[str, tuple[Frame, Analysis]] = SharedCalls()
        self._newest: dict[str, tuple[Frame, Analysis]] = {}  # without pictures, the oldest first

    async def now(self, camera: str, frame: Frame, request_id: str, by: Deadline) -> tuple[Frame, Analysis]:
        """Return what was found in a camera's frame, by then, and the frame that it was found in, without its picture.

        Args:
            camera: The camera.
            frame: Its newest frame.
            request_id: Who asks.
            by: When the answer must be there.

        Raises:
            ServiceError: A service fails, or the camera sent no picture.
        """
        last = self._newest.get(camera)
        if last is not None and last[0].frame_id == frame.frame_id:
            return last
        return await self._running.run(camera, lambda: self._analyse(camera, frame, request_id, by))

    async def _analyse(self, camera: str, frame: Frame, request_id: str, by: Deadline) -> tuple[Frame, Analysis]:
        with a_cameras_frame(camera):
            analysis = await self._pipeline.analyse(frame.message.jpeg, "image/jpeg", request_id, by)
        self._keep(camera, frame.without_picture(), analysis)
        return self._newest[camera]

    def _keep(self, camera: str, frame: Frame, analysis: Analysis) -> None:
        oldest_s = monotonic() - FRAMES_TTL_S
        kept = {one: last for one, last in self._newest.items() if one != camera and last[0].read_at_s >= oldest_s}
        if len(kept) >= MAX_KEPT:
            del kept[next(iter(kept))]
        kept[camera] = frame, analysis
        self._newest = kept


@contextmanager
def a_cameras_frame(camera: str) -> Iterator[None]:
    """Turn the problem of a picture that can't be used into the camera's: who asks for a camera sent no picture."""
    try:
        yield
    except ServiceError as error:
        if not 400 <= error.problem.kind.status < 500:
            raise
        detail = f"Camera {camera}'s frame can't be used: {error.problem.detail}"
        raise ServiceError(ProblemKind.NO_FRESH_FRAME, detail, camera=camera) from error
