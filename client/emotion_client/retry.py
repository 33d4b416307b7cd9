"""When to ask again, and when to give up; it decides and never sleeps."""

import random
from collections.abc import Callable

import httpx

from emotion_client.errors import ProblemError, UnreachableError
from emotion_client.requests import Ask
from emotion_client.responses import refusal

FIRST_PAUSE_S = 0.25
"""Before a second try where no connection came about; it doubles with each."""

_MOST_DOUBLINGS = 16

Random = Callable[[float, float], float]


class Patience:
    """Judges what came of each try.

    A try that failed on its way, or that was answered with 503 and ``Retry-After``, is made again while that can
    end before the deadline. No other answer changes by asking again.

    Attributes:
        ends_s: The deadline, by the same clock as all times.
    """

    def __init__(self, ask: Ask, url: str, deadline_s: float, retries: int, now_s: float) -> None:
        """Begin.

        Args:
            ask: What is asked.
            url: Whom, for messages.
            deadline_s: Seconds for all tries together.
            retries: At most this many tries after the first.
            now_s: By a monotonic clock, as are all times.
        """
        self._ask = ask
        self._url = url
        self.ends_s = now_s + deadline_s
        self._retries_left = retries
        self._pause_s = FIRST_PAUSE_S

    def seconds_left(self, now_s: float) -> float:
        """Return how long the next try may take; never 0, which would mean none at all."""
        return max(0.001, self.ends_s - now_s)

    def after_answer(self, response: httpx.Response, now_s: float) -> float | None:
        """Return None if the response is an answer, else the seconds to wait before the next try.

        Raises:
            EmotionError: It is a refusal, and asking again won't help or would take too long.
        """
        error = refusal(response, self._ask)
        if error is None:
            return None
        if not isinstance(error, ProblemError) or error.status != 503 or error.retry_after is None:
            raise error
        return self._wait(error.retry_after, now_s, error)

    def after_failure(self, failure: httpx.RequestError, now_s: float) -> float:
        """Return the seconds to wait before the next try.

        Raises:
            UnreachableError: There is none.
        """
        error = unreachable(self._url, failure)
        error.__cause__ = failure
        if not isinstance(failure, httpx.TransportError) or isinstance(failure, httpx.UnsupportedProtocol):
            raise error
        pause_s, self._pause_s = self._pause_s, 2 * self._pause_s
        return self._wait(pause_s, now_s, error)

    def _wait(self, wait_s: float, now_s: float, error: Exception) -> float:
        if self._retries_left == 0 or now_s + wait_s >= self.ends_s:
            raise error
        self._retries_left -= 1
        return wait_s


class Backoff:
    """How long to wait before a feed is asked for anew: a second at first, up to half a minute."""

    def __init__(self, first_s: float = 1.0, most_s: float = 30.0, random: Random = random.uniform) -> None:
        """Begin with the first pause; each is shortened by chance, so that not all clients come back at once."""
        self._first_s = first_s
        self._most_s = most_s
        self._random = random
        self._failures = 0

    def begin_with(self, first_s: float) -> None:
        """Take the first pause that the server asks for."""
        self._first_s = first_s

    def succeeded(self) -> None:
        """Begin with the first pause again."""
        self._failures = 0

    def pause_s(self, at_least_s: float = 0.0) -> float:
        """Return the next pause."""
        pause_s = min(self._first_s * 2**self._failures, self._most_s)
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        return max(min(at_least_s, self._most_s), self._random(pause_s / 2, pause_s))


def unreachable(url: str, failure: httpx.RequestError) -> UnreachableError:
    """Return the error for a request that got no answer."""
    reason = "no answer in time" if isinstance(failure, httpx.TimeoutException) else str(failure)
    return UnreachableError(f"{url}: {reason or type(failure).__name__}")
