"""Follows a camera's feed across lost connections; it decides and reads, and touches no socket."""

from collections.abc import Callable

import httpx
from httpx_sse import ServerSentEvent

from emotion_client.errors import EmotionError, ProblemError, UnexpectedAnswerError
from emotion_client.requests import Ask, ask_events
from emotion_client.responses import decode_feed_status, decode_live_result, parsed, refusal
from emotion_client.results import FeedStatus, LiveResult
from emotion_client.retry import Backoff, unreachable
from emotion_client.transport import require_uncompressed, shown_url
from services.contracts.live import RESULT, STATUS

SILENCE_S = 30.0
"""A feed that is silent for this long is lost: the gateway sends a sign of life each ten seconds."""

MAX_EVENT_BYTES = 2 * 1024 * 1024
"""The largest event of a feed."""
MAX_ID_CHARACTERS = 128
"""The longest id of an event that is sent back."""

EVENT_STREAM = "text/event-stream"
_MAX_RETRY_DIGITS = 9

OnStatus = Callable[[FeedStatus], None]


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


class Following:
    """One caller's place in a feed."""

    def __init__(
        self, camera: str, fps: float | None, url: str, on_status: OnStatus | None, backoff: Backoff | None = None
    ) -> None:
        """Begin with the newest frame.

        Args:
            camera: Its id.
            fps: At most this many results a second; all if None.
            url: The gateway's, for messages.
            on_status: Is told of changes.
            backoff: The pauses between connections.
        """
        self._camera = camera
        self._fps = fps
        self._url = url
        self._on_status = on_status or (lambda _: None)
        self._backoff = backoff or Backoff()
        self._last_id: str | None = None
        self._connected_before = False

    def ask(self) -> Ask:
        """Return the request for what comes next."""
        return ask_events(self._camera, self._fps, self._last_id)

    def opened(self, response: httpx.Response) -> None:
        """Judge the answer to the request; that of one which isn't 200 was read whole.

        Raises:
            EmotionError: It is a refusal.
        """
        error = refusal(response, self.ask())
        if error is not None:
            raise error
        self._connected_before = True

    def result(self, event: ServerSentEvent) -> LiveResult | None:
        """Return what an event tells of a frame, if it does.

        Raises:
            UnexpectedAnswerError: It can't be read.
        """
        if event.retry is not None:
            self._backoff.begin_with(event.retry / 1000)
        if not event.data:
            return None
        self._backoff.succeeded()
        if event.event == STATUS:
            self._on_status(parsed(event.data, decode_feed_status))
            return None
        if event.event != RESULT:
            return None
        result = parsed(event.data, decode_live_result)
        self._last_id = event.id or self._last_id
        return result

    def pause_after(self, failure: Exception | None) -> float:
        """Return the seconds to wait before the next connection.

        Args:
            failure: What ended this one; None where the gateway did.

        Raises:
            EmotionError: There will be none: the gateway refuses the feed, or was never reached.
        """
        error = self._error(failure)
        if error is not None and not (self._connected_before and _may_pass(error)):
            raise error from failure
        self._on_status(FeedStatus("lost", str(error) if error else "the gateway ended the feed"))
        asked_s = error.retry_after if isinstance(error, ProblemError) else None
        return self._backoff.pause_s(asked_s or 0.0)

    def _error(self, failure: Exception | None) -> EmotionError | None:
        if failure is None or isinstance(failure, EmotionError):
            return failure
        assert isinstance(failure, httpx.RequestError)
        return unreachable(self._url, failure)


def _may_pass(error: EmotionError) -> bool:
    """Tell whether waiting may help; what the client can't read won't become readable."""
    if isinstance(error, ProblemError):
        return error.status >= 500 or error.status == 429
    return not isinstance(error, UnexpectedAnswerError)
