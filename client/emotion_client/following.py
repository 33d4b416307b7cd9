"""Follows a camera's feed across lost connections; it decides and reads, and touches no socket."""

from collections.abc import Callable

import httpx
from httpx_sse import ServerSentEvent

from emotion_client.answers import parsed, refusal
from emotion_client.asking import Ask, ask_events
from emotion_client.errors import EmotionError, ProblemError, UnexpectedAnswerError
from emotion_client.patience import Backoff, unreachable
from emotion_client.results import FeedStatus, LiveResult
from emotion_client.results_decoding import decode_feed_status, decode_live_result
from services.contracts.live import RESULT, STATUS

SILENCE_S = 30.0
"""A feed that is silent for this long is lost: the gateway sends a sign of life each ten seconds."""

OnStatus = Callable[[FeedStatus], None]


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
