"""Where a session's results are found: by viewers, by those who ask once, and by who draws pictures."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.contracts.frames import FRAMES_TTL_S, frame_order
from services.contracts.live import RESULT, STATUS, Drops, EmotionEvent, LiveState, LiveStatus
from services.contracts.problems import Problem
from services.gateway.live.latest_value import Closed, Latest
from services.gateway.live.results import LiveAnswer, Seen
from services.runtime.frame_rate import FrameRateLimiter
from services.runtime.request_context import new_request_id


def is_news(frame_id: str, after: str) -> bool:
    """Tell whether a frame comes after another.

    One that is older by more than frames are kept does too: the store's clock was set back meanwhile.
    """
    ours, theirs = frame_order(frame_id), frame_order(after)
    return ours > theirs or theirs[0] - ours[0] > FRAMES_TTL_S * 1000


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

    def __init__(self, frame_rate: FrameRateLimiter, after: str | None, on_drop: Callable[[], None]) -> None:
        """Wait for results.

        Args:
            frame_rate: Which results to send.
            after: The id of the last frame whose result the client has, if any.
            on_drop: Called for each result that is lost here.
        """
        self._frame_rate = frame_rate
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
            if self._frame_rate.allow(answer.at_s):
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


RESULTS_HELD = 90
"""Results that a viewer who comes back can still get: three seconds at 30 a second."""


class Board:
    """One camera's newest results and its state."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._held: deque[LiveAnswer] = deque(maxlen=RESULTS_HELD)
        self._viewers: set[Viewer] = set()
        self._painters: set[Latest[Seen]] = set()
        self._problems: dict[str, Problem] = {}
        self._changed = asyncio.Event()

    @property
    def newest(self) -> LiveAnswer | None:
        """The newest result."""
        return self._held[-1] if self._held else None

    @property
    def problem(self) -> Problem | None:
        """What is wrong now; of several things the first that was."""
        return next(iter(self._problems.values()), None)

    def publish(self, seen: Seen) -> None:
        """Let everybody have a result."""
        self._held.append(seen.answer)
        for viewer in self._viewers:
            viewer.offer(seen.answer)
        for painter in self._painters:
            painter.put(seen)
        self._pulse()

    def report(self, step: str, problem: Problem | None) -> None:
        """Take note of what is wrong with a step, or that nothing is; viewers are told of changes."""
        before = self.problem
        if problem is None:
            self._problems.pop(step, None)
        else:
            self._problems[step] = problem
        if self.problem != before:
            for viewer in self._viewers:
                viewer.tell(self._status())
            self._pulse()

    @contextmanager
    def viewed(self, viewer: Viewer, drops: Drops) -> Iterator[None]:
        """Let a viewer follow while the block runs; ``drops`` is what was dropped before."""
        viewer.begin(self._held, drops)
        if self.problem is not None:
            viewer.tell(self._status())
        self._viewers.add(viewer)
        try:
            yield
        finally:
            self._viewers.discard(viewer)

    @contextmanager
    def painted(self, slot: Latest[Seen]) -> Iterator[None]:
        """Put each result in the slot while the block runs."""
        self._painters.add(slot)
        try:
            yield
        finally:
            self._painters.discard(slot)

    async def wait_for(self, frame_id: str, timeout_s: float) -> LiveAnswer | None:
        """Return the newest result once it is of this frame or a newer one; None if something goes wrong."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    newest = self.newest
                    if newest is not None and not is_news(frame_id, newest.frame_id):
                        return newest
                    if self._problems:
                        return None
                    await self._changed.wait()
        except TimeoutError:
            return None

    def _status(self) -> str:
        problem = self.problem
        if problem is None:
            return json.dumps(LiveStatus(self._camera, LiveState.OK).encode())
        return json.dumps(LiveStatus(self._camera, LiveState.PROBLEM, problem.encode(new_request_id())).encode())

    def _pulse(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
