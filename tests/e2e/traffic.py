"""Requests at a steady rate beside a test, and what became of each."""

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
"""One request in so many is an upload; the others ask for the camera's emotion."""


@dataclass(frozen=True)
class Outcome:
    """What became of one request.

    Attributes:
        method: ``GET`` asks for the camera, ``POST`` uploads.
        sent_at: By ``time.monotonic()``.
        seconds: From the first byte sent to the last received.
        status: 0 where no answer came.
        problem: The problem's members; empty for another body.
        retry_after_s: When to ask again; 0 where the answer doesn't say.
        said: The problem in a few words.
    """

    method: str
    sent_at: float
    seconds: float
    status: int
    problem: dict[str, Any]
    retry_after_s: int
    said: str

    @property
    def kind(self) -> str:
        """The problem's type, without what all have in common; empty where there is none."""
        return str(self.problem.get("type", "")).removeprefix("urn:emotion:problem:")


class Traffic:
    """Outcomes in the order in which they came.

    Attributes:
        held_up_s: The longest that this process itself waited for a core when a request was due; a few hundredths of
            a second, unless others keep the machine busy.
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
        self.held_up_s = 0.0

    @property
    def outcomes(self) -> list[Outcome]:
        """What became of all that ended so far."""
        return list(self._outcomes)

    def since(self, moment: float) -> list[Outcome]:
        """Return the outcomes of requests sent after this moment of ``time.monotonic()``."""
        return [outcome for outcome in self.outcomes if outcome.sent_at >= moment]

    def wait_until_sent(self, condition: Callable[[list[Outcome]], bool], what: str, timeout_s: float) -> None:
        """Wait until the outcomes of requests sent from now on fulfil a condition."""
        now = time.monotonic()
        try:
            wait_until(lambda: condition(self.since(now)), what, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; {summary(self.since(now))}") from None

    @contextmanager
    def running(self) -> "Iterator[Traffic]":
        """Send requests within the block, and wait for those under way at its end."""
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
            self.held_up_s = max(self.held_up_s, time.monotonic() - start - number * self._interval_s)
            senders.submit(self._send, "POST" if number % self._upload_every == 0 else "GET")

    def _send(self, method: str) -> None:
        content = self._image if method == "POST" else None
        headers = {"Content-Type": "image/jpeg"} if content else {}
        sent_at = time.monotonic()
        try:
            answer = self._client.request(method, "/predict", content=content, headers=headers)
        except httpx.HTTPError as error:
            status, retry_after_s, said = 0, 0, repr(error)
            problem: dict[str, Any] = {}
        else:
            is_problem = answer.headers.get("Content-Type") == "application/problem+json"
            status, retry_after_s = answer.status_code, int(answer.headers.get("Retry-After", 0))
            problem = answer.json() if is_problem else {}
            said = " ".join(str(problem.get(member, "")) for member in ("dependency", "type", "detail"))
        self._outcomes.append(
            Outcome(method, sent_at, time.monotonic() - sent_at, status, problem, retry_after_s, said)
        )


def summary(outcomes: list[Outcome]) -> str:
    """Return how often each thing happened, and the slowest of each."""
    kinds = Counter((outcome.method, outcome.status, outcome.said) for outcome in outcomes)
    slowest = {kind: max(o.seconds for o in outcomes if (o.method, o.status, o.said) == kind) for kind in kinds}
    return "; ".join(f"{n}× {' '.join(map(str, kind))} (≤ {slowest[kind]:.2f} s)" for kind, n in kinds.items())
