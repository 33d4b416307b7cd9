"""From Redis's replies to frames and statuses, and what to do about replies that are too large."""

import logging
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from redis._parsers import _AsyncRESP2Parser  # the only place to stop a reply at: nothing public has a limit
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError

from services.contracts.cameras import STATUS_FIELDS, CameraStatus
from services.contracts.frames import MAX_AHEAD_S, MAX_JPEG_BYTES, FrameMessage, captured_at_us
from services.contracts.messages import MalformedMessageError
from services.gateway.protocols import Frame

REFUSED_S = 5.0
"""How long a key whose reply was too large isn't read again: Redis copies the value each time."""

_MAX_REFUSED = 1000
_STATUS_FIELDS = tuple(name.encode("ascii") for name in STATUS_FIELDS)
_log = logging.getLogger(__name__)


class OversizedKeys:
    """Keys whose replies were too large, for some seconds."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}

    def add(self, key: str) -> None:
        """Refuse a key from now on; with very many the first are forgotten."""
        self._until_s.pop(key, None)
        while len(self._until_s) >= _MAX_REFUSED:
            del self._until_s[next(iter(self._until_s))]
        self._until_s[key] = monotonic() + REFUSED_S

    def has(self, key: str) -> bool:
        """Tell whether a key is refused now."""
        until_s = self._until_s.get(key)
        if until_s is None:
            return False
        if monotonic() < until_s:
            return True
        del self._until_s[key]
        return False


async def execute(pipeline: Pipeline) -> list[Any]:
    """Return the answers; None for a key of the wrong type, which is one camera's trouble and not Redis's."""
    answers = await pipeline.execute(raise_on_error=False)
    for error in (answer for answer in answers if isinstance(answer, RedisError)):
        if not str(error).startswith("WRONGTYPE"):
            raise error
        _log.warning("redis: a key is of another type than ours")
    return [None if isinstance(answer, RedisError) else answer for answer in answers]


def microseconds(redis_time: tuple[int, int]) -> int:
    """Return Redis's time as Unix microseconds."""
    seconds, microseconds = redis_time
    return seconds * 1_000_000 + microseconds


def status_of(values: Sequence[bytes | None] | None) -> CameraStatus | None:
    """Return the fields of a status, in the order of ``STATUS_FIELDS``, as a status; None if there is none.

    Raises:
        MalformedMessageError: It can't be read.
    """
    fields = {name: value for name, value in zip(_STATUS_FIELDS, values or (), strict=False) if value is not None}
    return CameraStatus.decode(fields) if fields else None


def frame_of(entry: tuple[bytes, Mapping[bytes, bytes]], now_us: int, read_at_s: float) -> Frame:
    """Return a stream's entry as a frame.

    Raises:
        MalformedMessageError: It can't be read, or is of a time to come.
    """
    entry_id, message = entry[0].decode("ascii", "replace"), FrameMessage.decode(entry[1])
    captured_us = captured_at_us(entry_id, message.delay_us)
    age_ms = (now_us - captured_us) / 1e3
    if age_ms < -MAX_AHEAD_S * 1e3:
        raise MalformedMessageError("frame: its id is of a time to come, by Redis's clock")
    return Frame(entry_id, message, captured_us, age_ms, read_at_s)


MAX_VALUES = 1000
"""Most values in a reply, arrays included. A frame has some twenty."""

MAX_SHORT_BYTES = 64 * 1024
"""Most bytes of a reply outside of stream entries: names, statuses, times."""

MAX_ENTRY_BYTES = MAX_JPEG_BYTES + 64 * 1024
"""Most bytes of a reply within stream entries: one picture of the largest size and its numbers."""

_ENTRY_DEPTH = 3
"""A field of a stream's entry stands in the entry's fields, which stand in the entry, which stands in the reply."""

_DEPTH_LIMIT = 8


class ReplyTooLargeError(RedisError):
    """A reply has more bytes or values than any of ours; its connection is closed, and the rest isn't read.

    Attributes:
        in_entry: Whether it was the fields of stream entries that are too large.
    """

    def __init__(self, in_entry: bool) -> None:
        super().__init__("the reply is too large")
        self.in_entry = in_entry


class LimitedParser(_AsyncRESP2Parser):
    """redis-py's parser of RESP2, which stops at a reply whose announced size exceeds the limit. It returns bytes."""

    def __init__(self, socket_read_size: int) -> None:
        super().__init__(socket_read_size)
        self._values = self._short_bytes = self._entry_bytes = 0

    async def read_response(self, disable_decoding: bool = False) -> Any:
        """Return the next reply.

        Raises:
            ReplyTooLargeError: The connection must be closed.
            InvalidResponse: Likewise: whatever answers speaks another protocol.
        """
        self._values, self._short_bytes, self._entry_bytes = MAX_VALUES, MAX_SHORT_BYTES, MAX_ENTRY_BYTES
        try:
            return await super().read_response(disable_decoding)
        except ValueError:
            raise InvalidResponse("Redis answered in another protocol") from None

    def on_disconnect(self) -> None:
        """Let go of what was read of a reply that didn't come whole: it may be a picture."""
        buffered = getattr(self._stream, "_buffer", None)  # asyncio has no public way, and redis-py looks there too
        if isinstance(buffered, bytearray):
            buffered.clear()
        super().on_disconnect()  # type: ignore[no-untyped-call]  # redis-py has no types here
        self._clear()  # type: ignore[no-untyped-call]  # likewise

    async def _read_response(self, disable_decoding: bool = False, depth: int = 0) -> Any:
        line = await self._readline()
        self._values -= 1
        self._take(len(line), depth)
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            length = int(rest)
            if length < 0:
                return None
            self._take(length, depth)
            return await self._read(length)
        if kind == b"*":
            count = int(rest)
            if count > self._values or depth >= _DEPTH_LIMIT:
                raise ReplyTooLargeError(depth >= _ENTRY_DEPTH - 1)
            return None if count < 0 else [await self._read_response(disable_decoding, depth + 1) for _ in range(count)]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        if kind == b"-":
            error = self.parse_error(rest.decode("utf-8", "replace"))  # type: ignore[no-untyped-call]  # likewise
            if isinstance(error, RedisConnectionError):
                raise error
            return error
        raise InvalidResponse("Redis answered in another protocol")

    def _take(self, length: int, depth: int) -> None:
        if depth >= _ENTRY_DEPTH:
            self._entry_bytes -= length
        else:
            self._short_bytes -= length
        if self._values < 0 or self._short_bytes < 0 or self._entry_bytes < 0:
            raise ReplyTooLargeError(depth >= _ENTRY_DEPTH)
