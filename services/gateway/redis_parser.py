"""Reads Redis's replies with a limit on their size: who writes to Redis must not fill the gateway's memory."""

from typing import Any

from redis._parsers import _AsyncRESP2Parser  # the only place to stop a reply at: nothing public has a limit
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError

from services.contracts.frames import MAX_JPEG_BYTES

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
