"""A camera's frames as they come, read once for all who follow them."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.contracts.problems import Problem, ProblemKind
from services.gateway.camera_frames import CameraFrames
from services.gateway.frames import Frame, FrameStore
from services.gateway.live.readers import FrameReader, soon
from services.runtime.problems import ProblemError

RETRY_S = 0.2
"""The pause after a reading that failed."""

_log = logging.getLogger(__name__)
Put = Callable[[Frame], None]
Told = Callable[[Problem | None], None]


class FrameFeed:
    """One camera's frames."""

    def __init__(self, camera: str, store: FrameStore, frames: CameraFrames) -> None:
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
            except ProblemError as error:
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
        newest = await self._frames.newest(self._camera, soon())
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
