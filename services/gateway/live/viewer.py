"""One who follows a camera's results."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.contracts.live import RESULT, STATUS, Drops, EmotionEvent
from services.gateway.live.answer import LiveAnswer
from services.gateway.live.latest import Closed
from services.gateway.live.resume import is_news
from services.gateway.live.thinning import Thinning

RESULTS_WAITING = 8
"""Results that wait for a slow viewer: a quarter of a second at 30 a second."""

_EVENTS_CARRIED = 64


@dataclass(frozen=True)
class Message:
    """One object of a feed.

    Attributes:
        event: ``result`` or ``status``.
        text: JSON.
        frame_id: Of a result.
    """

    event: str
    text: str
    frame_id: str | None = None


class Viewer:
    """A bounded queue of what one client hasn't got yet: the oldest results go, statuses and events don't."""

    def __init__(self, thinning: Thinning, after: str | None, on_drop: Callable[[], None]) -> None:
        """Wait for results.

        Args:
            thinning: Which results to send.
            after: The id of the last frame whose result the client has, if any.
            on_drop: Called for each result that is lost here.
        """
        self._thinning = thinning
        self._told = Drops()
        self._after = after
        self._lost = 0
        self._on_drop = on_drop
        self._backlog: deque[LiveAnswer] = deque()
        self._results: deque[LiveAnswer] = deque()
        self._status: str | None = None
        self._carried: deque[EmotionEvent] = deque(maxlen=_EVENTS_CARRIED)
        self._closed = False
        self._changed = asyncio.Event()

    def begin(self, held: Iterable[LiveAnswer], drops: Drops) -> None:
        """Follow from now on.

        Args:
            held: Results of before; those that a client who comes back hasn't got are sent first, and none is lost.
            drops: What the session has dropped before.
        """
        self._told = drops
        if self._after is not None:
            self._backlog.extend(answer for answer in held if is_news(answer.frame_id, self._after))
            self._changed.set()

    def offer(self, answer: LiveAnswer) -> None:
        """Queue a result unless the client has it; the oldest goes if too many wait."""
        if self._after is not None and not is_news(answer.frame_id, self._after):
            return
        self._after = None
        self._results.append(answer)
        if len(self._results) > RESULTS_WAITING:
            self._carried.extend(self._results.popleft().events)
            self._lost += 1
            self._on_drop()
        self._changed.set()

    def tell(self, status: str) -> None:
        """Queue a status, in the place of one that wasn't sent yet."""
        self._status = status
        self._changed.set()

    def close(self, status: str | None = None) -> None:
        """Let the feed end, after a last status."""
        self._closed = True
        self._status = status
        self._changed.set()

    async def next(self, timeout_s: float) -> Message | None:
        """Return the next object; None where none comes in time.

        Raises:
            Closed: None will come.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    await self._changed.wait()
                    message = self._take()
                    if message is not None:
                        return message
                    if self._closed:
                        raise Closed
                    self._changed.clear()
        except TimeoutError:
            return None

    def _take(self) -> Message | None:
        if self._status is not None:
            status, self._status = self._status, None
            return Message(STATUS, status)
        while not self._closed and (self._backlog or self._results):
            answer = self._backlog.popleft() if self._backlog else self._results.popleft()
            if self._thinning.wants(answer.at_s):
                return self._message(answer)
            self._carried.extend(answer.events)
        return None

    def _message(self, answer: LiveAnswer) -> Message:
        events = (*self._carried, *answer.events)
        now = answer.drops
        dropped = Drops(max(0, now.detect - self._told.detect), max(0, now.infer - self._told.infer), self._lost)
        self._told, self._lost = now, 0
        self._carried.clear()
        return Message(RESULT, answer.text(events, dropped), answer.frame_id)
