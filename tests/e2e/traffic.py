"""Requests at a constant rate during a test, and their outcomes."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from tests.support.waiting import wait_until

INTERVAL_S = 0.05
UPLOAD_EVERY = 4
"""One request in so many is an upload; the others are predictions of the camera."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a request.

    Attributes:
        method: ``GET`` for the camera, ``POST`` for an upload.
        sent_at: By ``time.monotonic()``.
        seconds: Time from the first byte sent to the last received.
        status: The status code; 0 without a response.
        problem: The members of the problem; empty for any other body.
        retry_after_s: The ``Retry-After`` header; 0 if it is missing.
        summary: A summary of the problem.
    """

    method: str
    sent_at: float
    seconds: float
    status: int
    problem: dict[str, Any]
    retry_after_s: int
    summary: str

    @property
    def kind(self) -> str:
        """The problem type without its common prefix; empty if there is none."""
        return str(self.problem.get("type", "")).removeprefix("urn:emotion:problem:")


class Traffic:
    """Sends requests and collects their outcomes in order of arrival.

    Attributes:
        max_delay_s: The longest delay of a request by scheduling; a few hundredths of a second unless the machine is
            busy.
    """

    def __init__(
        self,
        client: httpx.Client,
        image: bytes,
        interval_s: float = INTERVAL_S,
        upload_every: int = UPLOAD_EVERY,
    ) -> None:
        self._client = client
        self._image = image
        self._interval_s = interval_s
        self._upload_every = upload_every
        self._outcomes: list[Outcome] = []
        self.max_delay_s = 0.0

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcomes of all finished requests."""
        return list(self._outcomes)

    def since(self, moment: float) -> list[Outcome]:
        """Return the outcomes of requests sent after this moment of ``time.monotonic()``."""
        return [outcome for outcome in self.outcomes if outcome.sent_at >= moment]

    def wait_until_sent(self, condition: Callable[[list[Outcome]], bool], what: str, timeout_s: float) -> None:
        """Wait until the outcomes of requests sent from now on meet a condition."""
        now = time.monotonic()
        try:
            wait_until(lambda: condition(self.since(now)), what, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; {summarize(self.since(now))}") from None

    @contextmanager
    def running(self) -> "Iterator[Traffic]":
        """Send requests during the block, and wait for those in flight at its end."""
        ended = threading.Event()
        with ThreadPoolExecutor(64) as senders:
            pacer = threading.Thread(target=self._pace, args=(senders, ended))
            pacer.start()
            try:
                yield self
            finally:
                ended.set()
                pacer.join()

    def _pace(self, senders: ThreadPoolExecutor, ended: threading.Event) -> None:
        start = time.monotonic()
        for number in count():
            if ended.wait(max(0.0, start + number * self._interval_s - time.monotonic())):
                return
            self.max_delay_s = max(self.max_delay_s, time.monotonic() - start - number * self._interval_s)
            senders.submit(self._send, "POST" if number % self._upload_every == 0 else "GET")

    def _send(self, method: str) -> None:
        content = self._image if method == "POST" else None
        headers = {"Content-Type": "image/jpeg"} if content else {}
        sent_at = time.monotonic()
        try:
            answer = self._client.request(method, "/predict", content=content, headers=headers)
        except httpx.HTTPError as error:
            status, retry_after_s, summary = 0, 0, repr(error)
            problem: dict[str, Any] = {}
        else:
            is_problem = answer.headers.get("Content-Type") == "application/problem+json"
            status, retry_after_s = answer.status_code, int(answer.headers.get("Retry-After", 0))
            problem = answer.json() if is_problem else {}
            summary = " ".join(str(problem.get(member, "")) for member in ("dependency", "type", "detail"))
        self._outcomes.append(
            Outcome(method, sent_at, time.monotonic() - sent_at, status, problem, retry_after_s, summary)
        )


def summarize(outcomes: list[Outcome]) -> str:
    """Return the count and the longest time of each kind of outcome."""
    kinds = Counter((outcome.method, outcome.status, outcome.summary) for outcome in outcomes)
    slowest = {kind: max(o.seconds for o in outcomes if (o.method, o.status, o.summary) == kind) for kind in kinds}
    return "; ".join(f"{n}× {' '.join(map(str, kind))} (≤ {slowest[kind]:.2f} s)" for kind, n in kinds.items())
