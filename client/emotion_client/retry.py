"""When a request is repeated and when it fails. Nothing here sleeps: callers pass the time and wait themselves."""

import math
import random
from collections.abc import Callable

import httpx

from emotion_client.errors import ProblemError, UnreachableError
from emotion_client.requests import RequestSpec
from emotion_client.responses import response_error
from emotion_client.transport import redact_url

INITIAL_RETRY_DELAY_S = 0.25

_MAX_DOUBLINGS = 16

Jitter = Callable[[float, float], float]
"""Returns a delay between two bounds, in seconds."""


def no_jitter(_: float, longest_s: float) -> float:
    """Return the longest delay."""
    return longest_s


class Backoff:
    """Exponential backoff: each delay is twice the previous one, up to a maximum."""

    def __init__(self, initial_s: float = 1.0, max_s: float = 30.0, jitter: Jitter = random.uniform) -> None:
        """Start with the initial delay.

        Args:
            initial_s: First delay.
            max_s: Longest delay.
            jitter: Returns a value between half the delay and the delay, so that clients don't reconnect together.
        """
        self.initial_s = initial_s
        self._max_s = max_s
        self._jitter = jitter
        self._failures = 0

    def reset(self) -> None:
        """Start again with the initial delay."""
        self._failures = 0

    def next_delay_s(self, at_least_s: float = 0.0) -> float:
        """Return the next delay; the server's ``at_least_s`` is limited to the maximum as well."""
        delay_s = min(self.initial_s * 2**self._failures, self._max_s)
        self._failures = min(self._failures + 1, _MAX_DOUBLINGS)
        return max(min(at_least_s, self._max_s), self._jitter(delay_s / 2, delay_s))


class RetryPolicy:
    """Decides after each attempt of one request whether it is repeated.

    An attempt is repeated if its connection failed, or if the response is 503 with ``Retry-After``, and if the delay
    ends before the deadline. No other response changes when the request is repeated.

    Attributes:
        deadline_s: In seconds of the caller's monotonic clock, as are all times.
    """

    def __init__(self, spec: RequestSpec, url: str, timeout_s: float, retries: int, now_s: float) -> None:
        """Start the first attempt.

        Args:
            spec: The request.
            url: The gateway's URL, for messages.
            timeout_s: Seconds for all attempts together.
            retries: Maximum number of attempts after the first.
            now_s: Monotonic seconds.
        """
        self._spec = spec
        self._url = url
        self.deadline_s = now_s + timeout_s
        self._retries_left = retries
        self._backoff = Backoff(INITIAL_RETRY_DELAY_S, math.inf, no_jitter)

    def remaining_s(self, now_s: float) -> float:
        """Return the timeout of the next attempt; never 0, which httpx would take for no timeout."""
        return max(0.001, self.deadline_s - now_s)

    def delay_after_response(self, response: httpx.Response, now_s: float) -> float | None:
        """Return None if the response is a result, else the seconds before the next attempt.

        Raises:
            EmotionError: The response is an error, and no attempt is left or another one can't help.
        """
        error = response_error(response, self._spec)
        if error is None:
            return None
        if not isinstance(error, ProblemError) or error.status != 503 or error.retry_after is None:
            raise error
        return self._delay(error.retry_after, now_s, error)

    def delay_after_failure(self, failure: httpx.RequestError, now_s: float) -> float:
        """Return the seconds before the next attempt.

        Raises:
            UnreachableError: No attempt is left.
        """
        error = unreachable_error(self._url, failure)
        error.__cause__ = failure
        if not isinstance(failure, httpx.TransportError) or isinstance(failure, httpx.UnsupportedProtocol):
            raise error
        return self._delay(self._backoff.next_delay_s(), now_s, error)

    def _delay(self, delay_s: float, now_s: float, error: Exception) -> float:
        if self._retries_left == 0 or now_s + delay_s >= self.deadline_s:
            raise error
        self._retries_left -= 1
        return delay_s


def unreachable_error(url: str, failure: httpx.RequestError) -> UnreachableError:
    """Return the error for a request that got no response."""
    reason = "timed out" if isinstance(failure, httpx.TimeoutException) else str(failure)
    return UnreachableError(f"{redact_url(url)}: {reason or type(failure).__name__}")
