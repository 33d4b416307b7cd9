"""Cameras: their ids, their newest frames, and the prediction for a camera's newest frame."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, perf_counter
from typing import Protocol

from services.contracts.cameras import CAMERA_ID_PATTERN, is_camera_id
from services.contracts.frames import FRAMES_TTL_S
from services.contracts.prediction import CameraSource, Prediction
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.analysis.pipeline import Analysis, Pipeline, build_prediction
from services.gateway.analysis.singleflight import SingleFlight
from services.gateway.protocols import Deadline, Frame, FrameStore, KnownCamera, ListedCamera

LIST_TTL_S = 0.2
"""How long a list of all cameras is cached."""

MAX_CACHED_ANALYSES = 256
"""Most cameras whose last analysis is cached. Analyses older than ``FRAMES_TTL_S`` are dropped with the next one."""


class CameraService:
    """Reads cameras and frames from the store. Concurrent reads of the same camera share one request."""

    def __init__(self, store: FrameStore, max_frame_age_s: float, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._max_frame_age_s = max_frame_age_s
        self._clock = clock
        self._id_reads: SingleFlight[None, list[str]] = SingleFlight()
        self._camera_reads: SingleFlight[str, KnownCamera | None] = SingleFlight()
        self._list_reads: SingleFlight[None, Sequence[ListedCamera]] = SingleFlight()
        self._list: Sequence[ListedCamera] = ()
        self._list_expires_at_s = float("-inf")

    async def resolve_camera(self, camera: str | None, deadline: Deadline) -> str:
        """Return the id of the named camera, or of the only one if none is named.

        Raises:
            ServiceError: The id is malformed, or none is given and there are no cameras or several.
        """
        if camera is not None:
            return require_camera_id(camera)
        cameras = await self._id_reads.run(None, lambda: self._store.camera_ids(deadline))
        if not cameras:
            raise ServiceError(ProblemKind.NO_CAMERA, "No camera has registered; is capture running?")
        if len(cameras) > 1:
            raise ServiceError(ProblemKind.CAMERA_AMBIGUOUS, "Name one of the cameras with ?camera=", cameras=cameras)
        return cameras[0]

    async def list_cameras(self, deadline: Deadline) -> Sequence[ListedCamera]:
        """Return all cameras, at most ``LIST_TTL_S`` old.

        Raises:
            ServiceError: The store fails.
        """
        if self._clock() < self._list_expires_at_s:
            return self._list
        return await self._list_reads.run(None, lambda: self._read_list(deadline))

    async def _read_list(self, deadline: Deadline) -> Sequence[ListedCamera]:
        self._list = await self._store.listed_cameras(deadline)
        self._list_expires_at_s = self._clock() + LIST_TTL_S
        return self._list

    async def get(self, camera: str, deadline: Deadline) -> KnownCamera:
        """Return a camera with its status and newest frame.

        Raises:
            ServiceError: There is no such camera, or the store fails.
        """
        known = await self._camera_reads.run(camera, lambda: self._store.known_camera(camera, deadline))
        if known is None:
            raise ServiceError(ProblemKind.CAMERA_NOT_FOUND, f"No camera {camera} has registered")
        return known

    async def latest_frame(self, camera: str, deadline: Deadline) -> Frame:
        """Return a camera's newest frame.

        Raises:
            ServiceError: There is no such camera, it has no fresh frame, or the store fails.
        """
        known = await self.get(camera, deadline)
        frame = known.newest
        if frame is None or frame.age_ms() > self._max_frame_age_s * 1e3:
            raise ServiceError(ProblemKind.NO_FRESH_FRAME, _describe_missing_frame(known), camera=camera)
        return frame


def require_camera_id(camera: str) -> str:
    """Return the text if it is a valid camera id.

    Raises:
        ServiceError: It isn't.
    """
    if not is_camera_id(camera):
        raise ServiceError(ProblemKind.INVALID_PARAMETER, f"camera must match {CAMERA_ID_PATTERN}, got {camera[:64]!r}")
    return camera


def _describe_missing_frame(known: KnownCamera) -> str:
    if known.newest is not None:
        frame = f"Camera {known.camera}'s newest frame is {known.newest.age_ms() / 1e3:.1f} s old"
    elif known.fault:
        frame = f"Camera {known.camera} has no frame that can be used: {known.fault}"
    else:
        frame = f"Camera {known.camera} has no frame"
    return f"{frame}; {describe_state(known)}"


def describe_state(known: KnownCamera) -> str:
    """Return the state that a camera's capture process reports, as part of a sentence."""
    if known.status is None:
        return "its state isn't known" if known.fault else "its capture process has gone"
    reason = f": {known.status.last_error}" if known.status.last_error else ""
    return f"it is {known.status.state.value}{reason}"


class LiveResult(Protocol):
    """A live session's result for one frame."""

    @property
    def analysis(self) -> Analysis:
        """The faces and emotions."""

    def source(self) -> CameraSource:
        """Return the camera and the frame, with the frame's age now."""


class LiveResults(Protocol):
    """Results of live sessions, for clients that poll."""

    def cached(self, camera: str) -> LiveResult | None:
        """Return the newest result of the camera's session if it is fresh."""

    async def wait_for(self, camera: str, frame_id: str, deadline: Deadline) -> LiveResult | None:
        """Return the result of this frame or a newer one; None if no session analyses the camera, or not in time."""

    def record_poll(self, camera: str, frame_id: str) -> None:
        """Record that a client polled a camera without a session; frequent polls start one."""


class CameraPredictor:
    """Predictions for cameras' newest frames.

    A frame is analysed once, however many clients ask for it: by the camera's live session if one runs, else here,
    with one analysis of a camera at a time and the last result cached. A request that arrives during an analysis
    shares its result, though the camera may have sent a newer frame in between.
    """

    def __init__(
        self,
        cameras: CameraService,
        pipeline: Pipeline,
        live: LiveResults,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._cameras = cameras
        self._pipeline = pipeline
        self._live = live
        self._clock = clock
        self._analyses: SingleFlight[str, tuple[Frame, Analysis]] = SingleFlight()
        self._cache: dict[str, tuple[Frame, Analysis]] = {}  # frames without pictures, the oldest first

    async def predict(self, camera: str | None, request_id: str, deadline: Deadline) -> Prediction:
        """Return the faces and emotions in a camera's newest frame.

        Args:
            camera: The camera's id; None for the only camera.
            request_id: Stands in the answer and in the logs of the services.
            deadline: Limit for all services together.

        Raises:
            ServiceError: The camera can't be resolved, has no fresh or usable frame, or a service fails.
        """
        started_s = perf_counter()
        camera = await self._cameras.resolve_camera(camera, deadline)
        result = self._live.cached(camera)
        if result is None:
            newest = await self._cameras.latest_frame(camera, deadline)
            result = await self._live.wait_for(camera, newest.frame_id, deadline)
        frame_ms = (perf_counter() - started_s) * 1e3
        if result is not None:
            source, analysis = result.source(), result.analysis
        else:
            frame, analysis = await self._get_or_analyze(camera, newest, request_id, deadline)
            self._live.record_poll(camera, frame.frame_id)
            source = CameraSource(camera, frame.frame_id, frame.captured_at(), frame.age_ms())
        return build_prediction(request_id, source, analysis, frame_ms, (perf_counter() - started_s) * 1e3)

    async def _get_or_analyze(
        self, camera: str, frame: Frame, request_id: str, deadline: Deadline
    ) -> tuple[Frame, Analysis]:
        cached = self._cache.get(camera)
        if cached is not None and cached[0].frame_id == frame.frame_id:
            return cached
        return await self._analyses.run(camera, lambda: self._analyze(camera, frame, request_id, deadline))

    async def _analyze(self, camera: str, frame: Frame, request_id: str, deadline: Deadline) -> tuple[Frame, Analysis]:
        with as_camera_error(camera):
            analysis = await self._pipeline.analyze(frame.message.jpeg, "image/jpeg", request_id, deadline)
        self._store_in_cache(camera, frame.without_picture(), analysis)
        return self._cache[camera]

    def _store_in_cache(self, camera: str, frame: Frame, analysis: Analysis) -> None:
        oldest_s = self._clock() - FRAMES_TTL_S
        cache = {
            other: cached
            for other, cached in self._cache.items()
            if other != camera and cached[0].read_at_s >= oldest_s
        }
        if len(cache) >= MAX_CACHED_ANALYSES:
            del cache[next(iter(cache))]
        cache[camera] = frame, analysis
        self._cache = cache


@contextmanager
def as_camera_error(camera: str) -> Iterator[None]:
    """Convert an error about an image (4xx) to ``NO_FRESH_FRAME``: the image is the camera's, not the client's."""
    try:
        yield
    except ServiceError as error:
        if not 400 <= error.problem.kind.status < 500:
            raise
        detail = f"Camera {camera}'s frame can't be used: {error.problem.detail}"
        raise ServiceError(ProblemKind.NO_FRESH_FRAME, detail, camera=camera) from error
