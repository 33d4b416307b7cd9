"""The frames of one camera, read once for all subscribers."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from services.contracts.problems import Problem, ProblemKind, ServiceError
from services.gateway.analysis.cameras import CameraService, describe_state
from services.gateway.protocols import Deadline, Frame, FrameStore, KnownCamera
from services.runtime.clock import Clock

BLOCK_S = 0.2
"""The longest time that one read waits for a frame."""

STALL_S = 0.7
"""A camera without a new frame for this long has stalled, unless its usual interval is longer."""

RETRY_S = 0.2
"""The pause after a read that failed."""

_STALL_INTERVALS = 3.0
"""A slow camera has stalled after this many of its usual intervals."""

_NEWEST_WEIGHT = 0.2
_READ_TIMEOUT_S = 1.0

_log = logging.getLogger(__name__)

OnFrame = Callable[[Frame], None]
OnProblem = Callable[[Problem | None], None]


class FrameReader:
    """Reads the newest frame of a camera. Frames that arrive between two reads are skipped."""

    def __init__(self, camera_id: str, store: FrameStore, first: Frame, clock: Clock) -> None:
        self._camera_id = camera_id
        self._store = store
        self._last = first.without_picture()
        self._interval_s = 0.0
        self._clock = clock

    async def next(self) -> Frame | None:
        """Return the newest frame; None if there is no new one yet.

        Raises:
            ServiceError: The camera has stalled, or the store fails.
        """
        frame = await self._store.next_frame(self._camera_id, self._last.frame_id, BLOCK_S)
        if frame is None:
            silent_s = self._clock() - self._last.read_at_s
            if silent_s < max(STALL_S, _STALL_INTERVALS * self._interval_s):
                return None
            # If Redis restarted with its clock set back, the newest frame may have a lower id than the last.
            known = await refresh(self._store, self._camera_id)
            if known.newest is None or known.newest.frame_id == self._last.frame_id:
                raise stalled_error(known)
            frame = known.newest
        interval_s = frame.read_at_s - self._last.read_at_s
        if not self._interval_s or interval_s < STALL_S + _STALL_INTERVALS * self._interval_s:
            self._interval_s += _NEWEST_WEIGHT * (interval_s - self._interval_s)
        self._last = frame.without_picture()
        return frame


class FrameSource:
    """Distributes a camera's frames, and the problem if there are none."""

    def __init__(self, camera_id: str, store: FrameStore, cameras: CameraService, clock: Clock = monotonic) -> None:
        self._camera_id = camera_id
        self._store = store
        self._cameras = cameras
        self._clock = clock
        self._subscribers: list[tuple[OnFrame, OnProblem]] = []
        self._reader: FrameReader | None = None
        self._last: Frame | None = None
        self._problem: Problem | None = None

    @contextmanager
    def subscribe(self, on_frame: OnFrame, on_problem: OnProblem = lambda _: None) -> Iterator[None]:
        """Call back for each new frame and each change of the problem (None: no problem) while the block runs."""
        subscriber = (on_frame, on_problem)
        self._subscribers.append(subscriber)
        if self._last is not None:
            on_frame(self._last)
        on_problem(self._problem)
        try:
            yield
        finally:
            self._subscribers.remove(subscriber)

    async def run(self) -> None:
        """Read until cancelled; failed reads are reported and repeated."""
        try:
            await self._read_forever()
        finally:
            self._last = None  # the ended task may live until the garbage collector runs

    async def _read_forever(self) -> None:
        while True:
            try:
                self._publish(await self._next())
            except ServiceError as error:
                problem = error.problem
            except Exception:
                _log.exception("camera %s: reading its frames failed", self._camera_id)
                problem = Problem(ProblemKind.INTERNAL, "Reading the camera's frames failed")
            else:
                continue
            self._last = None  # new subscribers get the problem, not an old frame
            self._set_problem(problem)
            await asyncio.sleep(RETRY_S)

    async def _next(self) -> Frame | None:
        if self._reader is not None:
            return await self._reader.next()
        newest = await self._cameras.latest_frame(self._camera_id, read_deadline())
        self._reader = FrameReader(self._camera_id, self._store, newest, self._clock)
        return newest

    def _publish(self, frame: Frame | None) -> None:
        if frame is None:
            return
        self._last = frame
        for on_frame, _ in self._subscribers:
            on_frame(frame)
        self._set_problem(None)

    def _set_problem(self, problem: Problem | None) -> None:
        if problem != self._problem:
            self._problem = problem
            for _, on_problem in self._subscribers:
                on_problem(problem)


def read_deadline() -> Deadline:
    """Return the deadline of a read that starts now; the store's own timeout is shorter."""
    return Deadline.after(_READ_TIMEOUT_S)


async def refresh(store: FrameStore, camera_id: str) -> KnownCamera:
    """Return the camera with its newest frame.

    Raises:
        ServiceError: There is no such camera.
    """
    known = await store.known_camera(camera_id, read_deadline())
    if known is None:
        raise ServiceError(ProblemKind.CAMERA_NOT_FOUND, f"No camera {camera_id} has registered")
    return known


def stalled_error(known: KnownCamera) -> ServiceError:
    """Return the error of a camera that sends no frames; the text is the same while the camera's state is."""
    frames = f"no frames that can be used: {known.fault}" if known.fault else "no frames"
    detail = f"Camera {known.camera} sends {frames}; {describe_state(known)}"
    return ServiceError(ProblemKind.NO_FRESH_FRAME, detail, camera=known.camera)
