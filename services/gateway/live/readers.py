"""How a camera's frames are read: the newest of a camera, every one of a recorded video."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from services.contracts.problems import ProblemKind
from services.gateway.camera_frames import state_of
from services.gateway.deadline import Deadline
from services.gateway.frames import Frame, FrameStore, KnownCamera
from services.gateway.recorded import RecordedFrame, RecordedStore
from services.runtime.problems import ProblemError

BLOCK_S = 0.2
"""The longest that one reading waits for a frame."""

STALL_S = 0.7
"""A camera without a new frame for this long has stalled, unless its frames always come that slowly."""

_SLOW_CAMERA = 3.0
"""How many of its usual intervals a slow camera may take for a frame."""

_NEWEST_WEIGHT = 0.2
_READ_S = 1.0


class OtherKindError(Exception):
    """What was a camera is a recorded video now, or the other way round."""


class Reader(Protocol):
    """Reads one camera's frames."""

    async def next(self) -> Frame | None:
        """Return the next frame; None where there is none yet.

        Raises:
            ProblemError: There is none, for too long or because something fails.
            OtherKindError: Another reader must go on.
        """

    def analysed(self, frame_id: str) -> None:
        """Take note that a frame was analysed."""


@dataclass(frozen=True)
class Stores:
    """Where frames are kept."""

    frames: FrameStore
    recorded: RecordedStore


class NewestReader:
    """A ``Reader`` of a camera: what comes while nobody reads is left out."""

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
        if frame.message.recorded:
            raise OtherKindError
        if not self._interval_s or frame.read_at_s - self._last.read_at_s < STALL_S + _SLOW_CAMERA * self._interval_s:
            self._interval_s += _NEWEST_WEIGHT * (frame.read_at_s - self._last.read_at_s - self._interval_s)
        self._last = frame.without_picture()
        return frame

    def analysed(self, frame_id: str) -> None:
        """Do nothing: a camera waits for nobody."""


class RecordedReader:
    """A ``Reader`` of a recorded video: the next frame is read when the last was analysed."""

    def __init__(self, camera: str, stores: Stores) -> None:
        self._camera = camera
        self._stores = stores
        self._last: RecordedFrame | None = None
        self._acknowledged = True
        self._read_at_s = monotonic()
        self._analysed = asyncio.Event()

    async def next(self) -> Frame | None:
        """Return the frame after the last, once that was analysed and capture was told so."""
        if not self._acknowledged and self._last is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(BLOCK_S):
                    await self._analysed.wait()
            if not self._analysed.is_set():
                return None
            await self._stores.recorded.acknowledge(self._camera, self._last)
            self._acknowledged, self._read_at_s = True, monotonic()
        following = await self._stores.recorded.following(self._camera, self._last, BLOCK_S)
        if following is None:
            if monotonic() - self._read_at_s < STALL_S:
                return None
            known = await read_again(self._stores.frames, self._camera)
            if known.newest is not None and not known.newest.message.recorded:
                raise OtherKindError
            raise silent(known)
        self._analysed.clear()
        self._last, self._acknowledged, self._read_at_s = following.without_picture(), False, monotonic()
        return following.frame

    def analysed(self, frame_id: str) -> None:
        """Let the next frame be read, if it is the last that was analysed."""
        if self._last is not None and frame_id == self._last.frame.frame_id:
            self._analysed.set()


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
