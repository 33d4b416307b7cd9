"""A camera's frames as they come, read once for all who follow them."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from services.contracts.problems import Problem, ProblemKind, ServiceError
from services.gateway.analysis.cameras import CameraService, describe_state
from services.gateway.protocols import Deadline, Frame, FrameStore, KnownCamera

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
        ServiceError: There is no such camera.
    """
    known = await store.known_camera(camera, soon())
    if known is None:
        raise ServiceError(ProblemKind.CAMERA_NOT_FOUND, f"No camera {camera} has registered")
    return known


def silent(known: KnownCamera) -> ServiceError:
    """Return the problem of a camera whose frames don't come; it says the same as long as nothing changes."""
    frames = f"no frames that can be used: {known.fault}" if known.fault else "no frames"
    detail = f"Camera {known.camera} sends {frames}; {describe_state(known)}"
    return ServiceError(ProblemKind.NO_FRESH_FRAME, detail, camera=known.camera)


RETRY_S = 0.2
"""The pause after a reading that failed."""

_log = logging.getLogger(__name__)
Put = Callable[[Frame], None]
Told = Callable[[Problem | None], None]


class FrameFeed:
    """One camera's frames."""

    def __init__(self, camera: str, store: FrameStore, frames: CameraService) -> None:
        self._camera = camera
        self._store = store
        self._frames = frames
        self._followers: list[tuple[Put, Told]] = []
        self._reader: FrameReader | None = None
        self._last: Frame | None = None
        self._problem: Problem | None = None

    @contextmanager
    def following(self, put: Put, told: Told = lambda _: None) -> Iterator[None]:
        """Hand on each new frame while the block runs, and what keeps frames from coming: None if all is well."""
        follower = (put, told)
        self._followers.append(follower)
        if self._last is not None:
            put(self._last)
        told(self._problem)
        try:
            yield
        finally:
            self._followers.remove(follower)

    async def run(self) -> None:
        """Read until cancelled; whatever fails is told, and tried again."""
        try:
            await self._read_on()
        finally:
            self._last = None  # an ended task stays until the garbage collector comes

    async def _read_on(self) -> None:
        while True:
            try:
                self._publish(await self._next())
            except ServiceError as error:
                problem = error.problem
            except Exception:
                _log.exception("camera %s: reading its frames failed", self._camera)
                problem = Problem(ProblemKind.INTERNAL, "Reading the camera's frames failed")
            else:
                continue
            self._last = None  # who comes now is told of the problem, and shown no picture of before
            self._tell(problem)
            await asyncio.sleep(RETRY_S)

    async def _next(self) -> Frame | None:
        if self._reader is not None:
            return await self._reader.next()
        newest = await self._frames.latest_frame(self._camera, soon())
        self._reader = FrameReader(self._camera, self._store, newest)
        return newest

    def _publish(self, frame: Frame | None) -> None:
        if frame is None:
            return
        self._last = frame
        for put, _ in self._followers:
            put(frame)
        self._tell(None)

    def _tell(self, problem: Problem | None) -> None:
        if problem != self._problem:
            self._problem = problem
            for _, told in self._followers:
                told(problem)
