"""Recorded videos in Redis."""

import logging
from time import monotonic

from redis.asyncio import Redis

from services.contracts.frames import FRAMES_TTL_S, frames_key
from services.contracts.messages import MalformedMessage
from services.contracts.problems import ProblemKind
from services.contracts.recorded import MAX_TAKEN_BYTES, Taken, taken_key
from services.gateway.deadline import Deadline
from services.gateway.frames import Frame
from services.gateway.recorded import RecordedFrame
from services.gateway.redis_frames import FRAME_TOO_LARGE, RedisFrames
from services.gateway.redis_parser import ReplyTooLargeError
from services.gateway.redis_replies import frame_of
from services.runtime.problems import ProblemError

_BEGINNING = "0-0"
_log = logging.getLogger(__name__)


class RedisRecorded(RedisFrames):
    """A ``RecordedStore`` besides a ``FrameStore``."""

    def __init__(self, redis: Redis, timeout_s: float) -> None:
        super().__init__(redis, timeout_s)
        self._acknowledged: dict[str, Taken] = {}

    async def following(self, camera: str, after: RecordedFrame | None, wait_s: float) -> RecordedFrame | None:
        """Return the frame after this one, or the first that nobody took; the wait blocks a connection of the pool."""
        taken = await self._read_mark(camera) if after is None else Taken(after.playing, after.frame.message.seq)
        place = _BEGINNING if after is None else after.place
        while (entry := await self._entry_after(camera, place, wait_s)) is not None:
            place = entry[0].decode()
            frame = self._recorded_frame(camera, entry)
            if frame is None:
                continue
            if taken is None or not taken.includes(frame.message.playing, frame.message.seq):
                return RecordedFrame(frame, place)
            if after is not None:
                # It was published again, after a loss that may have taken the mark too, for which capture waits.
                await self._write_mark(camera)
        return None

    async def acknowledge(self, camera: str, frame: RecordedFrame) -> None:
        """Tell capture that a frame, and with it all before, was analysed."""
        self._acknowledged[camera] = Taken(frame.playing, frame.frame.message.seq)
        await self._write_mark(camera)

    def _recorded_frame(self, camera: str, entry: tuple[bytes, dict[bytes, bytes]]) -> Frame | None:
        try:
            if not entry[1].get(b"playing"):
                return None
            return frame_of(entry, now_us=0, read_at_s=monotonic())
        except MalformedMessage as error:
            _log.warning("camera %s: %s", camera, error)
            return None

    async def _entry_after(self, camera: str, place: str, wait_s: float) -> tuple[bytes, dict[bytes, bytes]] | None:
        key = frames_key(camera)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xread({key: place}, count=1, block=self._block_ms(wait_s))
        try:
            if self._refused.has(key):
                raise ReplyTooLargeError(in_entry=True)
            (streams,) = await self._done_by(Deadline.after(self._timeout_s), pipeline.execute())
        except ReplyTooLargeError:
            self._refused.add(key)
            raise ProblemError(
                ProblemKind.NO_FRESH_FRAME, f"Camera {camera}: {FRAME_TOO_LARGE}", camera=camera
            ) from None
        return streams[0][1][0] if streams else None

    async def _read_mark(self, camera: str) -> Taken | None:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.getrange(taken_key(camera), 0, MAX_TAKEN_BYTES)  # of a value of any length
        (value,) = await self._done_by(Deadline.after(self._timeout_s), pipeline.execute())
        try:
            return Taken.decode(value) if value else None
        except MalformedMessage as error:
            _log.warning("camera %s: %s", camera, error)
            return None

    async def _write_mark(self, camera: str) -> None:
        taken = self._acknowledged.get(camera)
        if taken is not None:
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.set(taken_key(camera), taken.encode(), ex=FRAMES_TTL_S)
            await self._done_by(Deadline.after(self._timeout_s), pipeline.execute())
