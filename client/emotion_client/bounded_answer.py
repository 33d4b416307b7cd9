"""Reads answers up to a bound: whoever answers at the gateway's address may send without end."""

import time
from collections.abc import Callable

import httpx
from httpx_sse import ServerSentEvent

from emotion_client.errors import UnexpectedAnswerError, UnreachableError

MAX_EVENT_BYTES = 2 * 1024 * 1024
"""The largest event of a feed."""
MAX_ID_CHARACTERS = 128
"""The longest id of an event that is sent back."""

EVENT_STREAM = "text/event-stream"
_MAX_RETRY_DIGITS = 9


class BoundedBody:
    """Collects the body of one answer as it comes.

    The client asks for no compression and refuses it, since a kilobyte may unpack to a megabyte.
    """

    def __init__(
        self, response: httpx.Response, max_bytes: int, ends_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin.

        Args:
            response: Its headers have come.
            max_bytes: Most bytes of the body.
            ends_s: When it must be there, by the clock.
            clock: Monotonic seconds.

        Raises:
            UnexpectedAnswerError: It is compressed, or announces too much.
        """
        self._response = response
        self._max_bytes = max_bytes
        self._ends_s = ends_s
        self._clock = clock
        self._body = bytearray()
        require_uncompressed(response)
        announced = response.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and (len(announced) > 15 or int(announced) > max_bytes):
            raise self._too_large()

    def add(self, chunk: bytes) -> None:
        """Take the next piece.

        Raises:
            UnexpectedAnswerError: It is too much.
            UnreachableError: It comes too slowly.
        """
        self._body += chunk
        if len(self._body) > self._max_bytes:
            raise self._too_large()
        if self._clock() > self._ends_s:
            raise UnreachableError(f"{shown_url(self._response.url)}: the answer wasn't whole in time")

    def whole(self) -> httpx.Response:
        """Return the response with its body."""
        headers = [(name, value) for name, value in self._response.headers.multi_items() if name != "transfer-encoding"]
        return httpx.Response(
            self._response.status_code, headers=headers, content=bytes(self._body), request=self._response.request
        )

    def _too_large(self) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            f"{shown_url(self._response.url)} answered with more than {self._max_bytes:,} bytes: is it the gateway?"
        )


class EventReader:
    """Reads the events of a feed from its bytes, as the HTML standard describes them (section 9.2.6)."""

    def __init__(self, response: httpx.Response) -> None:
        """Begin.

        Args:
            response: Its headers have come.

        Raises:
            UnexpectedAnswerError: It is no feed.
        """
        require_uncompressed(response)
        if response.headers.get("Content-Type", "").partition(";")[0].strip() != EVENT_STREAM:
            raise UnexpectedAnswerError(f"{shown_url(response.url)} answered without a feed: is it the gateway?")
        self._line = bytearray()
        self._after_cr = False
        self._size = 0
        self._event = ""
        self._data: list[str] = []
        self._id = ""
        self._retry: int | None = None

    def events(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that are whole with the next piece.

        Raises:
            UnexpectedAnswerError: One has more than ``MAX_EVENT_BYTES``.
        """
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        *lines, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        events = []
        for line in lines:
            self._extend(line)
            event = self._take(self._line.decode("utf-8", "replace"))
            self._line.clear()
            if event is not None:
                events.append(event)
        self._extend(rest)
        return events

    def _extend(self, piece: bytes) -> None:
        self._line += piece
        self._size += len(piece)
        if self._size > MAX_EVENT_BYTES:
            raise UnexpectedAnswerError(f"an event of more than {MAX_EVENT_BYTES:,} bytes: is it the gateway?")

    def _take(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._end()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "":  # a comment, such as the sign of life
                self._size -= min(self._size, len(line.encode()))
            case "event":
                self._event = value
            case "data":
                self._data.append(value)
            case "id" if len(value) <= MAX_ID_CHARACTERS and value.isascii() and value.isprintable():
                self._id = value
            case "retry" if value.isascii() and value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
                self._retry = int(value)
        return None

    def _end(self) -> ServerSentEvent | None:
        event = ServerSentEvent(self._event, "\n".join(self._data), self._id, self._retry)
        something = self._event or self._data or self._retry is not None
        self._event, self._data, self._retry, self._size = "", [], None, 0
        return event if something else None


def require_uncompressed(response: httpx.Response) -> None:
    """Make sure that a body is what it says.

    Raises:
        UnexpectedAnswerError: It is compressed, which wasn't asked for.
    """
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnexpectedAnswerError(f"{shown_url(response.url)} answered compressed, which wasn't asked for")


def shown_url(url: httpx.URL | str) -> str:
    """Return an address as people may see it: without user, password, query and fragment."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "the gateway"
    return str(parts.copy_with(username=None, password=None, query=None, fragment=None))
