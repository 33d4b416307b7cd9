"""Parses Redis's replies with size limits, and decodes frames and statuses."""

import logging
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from redis._parsers import _AsyncRESP2Parser  # redis-py has no public way to limit a reply
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError

from services.contracts.cameras import STATUS_FIELDS, CameraStatus
from services.contracts.frames import MAX_AHEAD_S, MAX_JPEG_BYTES, FrameMessage, captured_at_us
from services.contracts.messages import MalformedMessageError
from services.gateway.protocols import Frame

OVERSIZED_TTL_S = 5.0
"""How long a key whose reply was too large isn't read again. Redis copies the value for each read."""

_MAX_OVERSIZED_KEYS = 1000
_STATUS_FIELDS = tuple(name.encode("ascii") for name in STATUS_FIELDS)
_log = logging.getLogger(__name__)


class OversizedKeys:
    """Keys whose replies were too large, each for ``OVERSIZED_TTL_S``."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}

    def add(self, key: str) -> None:
        """Add a key. Beyond a limit the oldest keys are dropped."""
        self._until_s.pop(key, None)
        while len(self._until_s) >= _MAX_OVERSIZED_KEYS:
            del self._until_s[next(iter(self._until_s))]
        self._until_s[key] = monotonic() + OVERSIZED_TTL_S

    def has(self, key: str) -> bool:
        """Tell whether a key was added within the last ``OVERSIZED_TTL_S``."""
        until_s = self._until_s.get(key)
        if until_s is None:
            return False
        if monotonic() < until_s:
            return True
        del self._until_s[key]
        return False


async def execute(pipeline: Pipeline) -> list[Any]:
    """Return the replies; None for a key of the wrong type, since that affects one camera only."""
    replies = await pipeline.execute(raise_on_error=False)
    for error in (reply for reply in replies if isinstance(reply, RedisError)):
        if not str(error).startswith("WRONGTYPE"):
            raise error
        _log.warning("redis: a key has the wrong type")
    return [None if isinstance(reply, RedisError) else reply for reply in replies]


def microseconds(redis_time: tuple[int, int]) -> int:
    """Return Redis's time as Unix microseconds."""
    seconds, microseconds = redis_time
    return seconds * 1_000_000 + microseconds


def decode_status(values: Sequence[bytes | None] | None) -> CameraStatus | None:
    """Return the status with these fields, in the order of ``STATUS_FIELDS``; None without any field.

    Raises:
        MalformedMessageError: A field is malformed.
    """
    fields = {name: value for name, value in zip(_STATUS_FIELDS, values or (), strict=False) if value is not None}
    return CameraStatus.decode(fields) if fields else None


def decode_frame(entry: tuple[bytes, Mapping[bytes, bytes]], now_us: int, read_at_s: float) -> Frame:
    """Return a stream entry as a frame.

    Raises:
        MalformedMessageError: A field is malformed, or the entry id is in the future.
    """
    entry_id, message = entry[0].decode("ascii", "replace"), FrameMessage.decode(entry[1])
    captured_us = captured_at_us(entry_id, message.delay_us)
    age_ms = (now_us - captured_us) / 1e3
    if age_ms < -MAX_AHEAD_S * 1e3:
        raise MalformedMessageError("frame: its id is in the future, by Redis's clock")
    return Frame(entry_id, message, captured_us, age_ms, read_at_s)


MAX_VALUES = 1000
"""Most values in a reply, arrays included. A frame has about twenty."""

MAX_SHORT_BYTES = 64 * 1024
"""Most bytes of a reply outside stream entries: names, statuses, times."""

MAX_ENTRY_BYTES = MAX_JPEG_BYTES + 64 * 1024
"""Most bytes of a reply within stream entries: one picture of the largest size and its other fields."""

_ENTRY_DEPTH = 3
"""Depth of a field: reply, entry, fields of the entry, field."""

_MAX_DEPTH = 8


class ReplyTooLargeError(RedisError):
    """A reply exceeds a limit. The rest isn't read, and the connection is closed.

    Attributes:
        in_entry: Whether the fields of stream entries are too large.
    """

    def __init__(self, in_entry: bool) -> None:
        super().__init__("the reply is too large")
        self.in_entry = in_entry


class LimitedParser(_AsyncRESP2Parser):
    """redis-py's RESP2 parser, which stops at a reply whose announced size exceeds the limit. It returns bytes."""

    def __init__(self, socket_read_size: int) -> None:
        super().__init__(socket_read_size)
        self._values = self._short_bytes = self._entry_bytes = 0

    async def read_response(self, disable_decoding: bool = False) -> Any:
        """Return the next reply.

        Raises:
            ReplyTooLargeError: The connection must be closed.
            InvalidResponse: The server doesn't speak RESP2; the connection must be closed.
        """
        self._values, self._short_bytes, self._entry_bytes = MAX_VALUES, MAX_SHORT_BYTES, MAX_ENTRY_BYTES
        try:
            return await super().read_response(disable_decoding)
        except ValueError:
            raise InvalidResponse("The server doesn't speak RESP2") from None

    def on_disconnect(self) -> None:
        """Release the part of an incomplete reply that was read: it may be a picture."""
        buffered = getattr(self._stream, "_buffer", None)  # asyncio has no public way; redis-py does the same
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
            if count > self._values or depth >= _MAX_DEPTH:
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
        raise InvalidResponse("The server doesn't speak RESP2")

    def _take(self, length: int, depth: int) -> None:
        if depth >= _ENTRY_DEPTH:
            self._entry_bytes -= length
        else:
            self._short_bytes -= length
        if self._values < 0 or self._short_bytes < 0 or self._entry_bytes < 0:
            raise ReplyTooLargeError(depth >= _ENTRY_DEPTH)
