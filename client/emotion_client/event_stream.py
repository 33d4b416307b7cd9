"""A camera's feed of server-sent events: the parser, and its state across reconnects. Nothing here does I/O."""

from collections.abc import Callable

import httpx
from httpx_sse import ServerSentEvent

from emotion_client.errors import EmotionError, ProblemError, UnexpectedResponseError
from emotion_client.requests import RequestSpec, events_request
from emotion_client.responses import decode_feed_status, decode_live_result, decode_message, response_error
from emotion_client.results import FeedStatus, LiveResult
from emotion_client.retry import Backoff, unreachable_error
from emotion_client.transport import redact_url, require_uncompressed
from services.contracts.live import RESULT, STATUS

READ_TIMEOUT_S = 30.0
"""The gateway sends a comment every ten seconds, so a feed that is silent for longer is lost."""

MAX_EVENT_BYTES = 2 * 1024 * 1024
MAX_ID_CHARACTERS = 128
"""A longer event id is not sent back."""

EVENT_STREAM = "text/event-stream"
_MAX_RETRY_DIGITS = 9

OnStatus = Callable[[FeedStatus], None]


class EventStreamParser:
    """Parses server-sent events from bytes (HTML standard, section 9.2.6)."""

    def __init__(self, response: httpx.Response) -> None:
        """Check the headers of a response.

        Raises:
            UnexpectedResponseError: It is not an uncompressed event stream.
        """
        require_uncompressed(response)
        if response.headers.get("Content-Type", "").partition(";")[0].strip() != EVENT_STREAM:
            raise UnexpectedResponseError(
                f"{redact_url(response.url)} sent no event stream; it may not be an emotion gateway"
            )
        self._line = bytearray()
        self._after_cr = False
        self._size = 0
        self._event = ""
        self._data: list[str] = []
        self._id = ""
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that are complete after the next chunk.

        Raises:
            UnexpectedResponseError: An event has more than ``MAX_EVENT_BYTES``.
        """
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        *lines, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        events = []
        for line in lines:
            self._extend(line)
            event = self._parse_line(self._line.decode("utf-8", "replace"))
            self._line.clear()
            if event is not None:
                events.append(event)
        self._extend(rest)
        return events

    def _extend(self, part: bytes) -> None:
        self._line += part
        self._size += len(part)
        if self._size > MAX_EVENT_BYTES:
            raise UnexpectedResponseError(
                f"the feed sent an event of more than {MAX_EVENT_BYTES:,} bytes; it may not be an emotion gateway"
            )

    def _parse_line(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "":  # a comment, such as the heartbeat
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

    def _dispatch(self) -> ServerSentEvent | None:
        event = ServerSentEvent(self._event, "\n".join(self._data), self._id, self._retry)
        is_empty = not (self._event or self._data or self._retry is not None)
        self._event, self._data, self._retry, self._size = "", [], None, 0
        return None if is_empty else event


class EventStream:
    """The position of one caller in a camera's feed."""

    def __init__(
        self, camera: str, fps: float | None, url: str, on_status: OnStatus | None, backoff: Backoff | None = None
    ) -> None:
        """Start at the newest frame.

        Args:
            camera: The camera's id.
            fps: Maximum number of results a second; all if None.
            url: The gateway's URL, for messages.
            on_status: Called when the state of the feed changes.
            backoff: Delays between connections.
        """
        self._camera = camera
        self._fps = fps
        self._url = url
        self._on_status = on_status or (lambda _: None)
        self._backoff = backoff or Backoff()
        self._last_id: str | None = None
        self._was_connected = False

    def request(self) -> RequestSpec:
        """Return the request that resumes after the last result."""
        return events_request(self._camera, self._fps, self._last_id)

    def check_response(self, response: httpx.Response) -> None:
        """Check the response to the request; the body of an error must have been read.

        Raises:
            EmotionError: The response is an error.
        """
        error = response_error(response, self.request())
        if error is not None:
            raise error
        self._was_connected = True

    def handle(self, event: ServerSentEvent) -> LiveResult | None:
        """Return the result that an event carries; None for other events.

        Raises:
            UnexpectedResponseError: The event can't be decoded.
        """
        if event.retry is not None:
            self._backoff.initial_s = event.retry / 1000
        if not event.data:
            return None
        self._backoff.reset()
        if event.event == STATUS:
            self._on_status(decode_message(event.data, decode_feed_status))
            return None
        if event.event != RESULT:
            return None
        result = decode_message(event.data, decode_live_result)
        self._last_id = event.id or self._last_id
        return result

    def reconnect_delay_s(self, failure: Exception | None) -> float:
        """Return the seconds to wait before the next connection.

        Args:
            failure: Why the connection ended; None if the gateway closed it.

        Raises:
            EmotionError: The gateway rejects the feed, or the first connection failed.
        """
        error = self._error(failure)
        if error is not None and not (self._was_connected and _is_temporary(error)):
            raise error from failure
        self._on_status(FeedStatus("lost", str(error) if error else "the gateway closed the feed"))
        retry_after_s = error.retry_after if isinstance(error, ProblemError) else None
        return self._backoff.next_delay_s(retry_after_s or 0.0)

    def _error(self, failure: Exception | None) -> EmotionError | None:
        if failure is None or isinstance(failure, EmotionError):
            return failure
        assert isinstance(failure, httpx.RequestError)
        return unreachable_error(self._url, failure)


def _is_temporary(error: EmotionError) -> bool:
    if isinstance(error, ProblemError):
        return error.status >= 500 or error.status == 429
    return not isinstance(error, UnexpectedResponseError)
