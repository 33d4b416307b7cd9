"""The results of one live session: a replay buffer, subscribers with bounded queues, and the session's problems."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.contracts.frames import FRAMES_TTL_S, frame_order
from services.contracts.live import RESULT, STATUS, Drops, EmotionEvent, LiveState, LiveStatus
from services.contracts.problems import Problem
from services.gateway.live.latest_value import ClosedError, LatestValue
from services.gateway.live.results import AnalyzedFrame
from services.runtime.frame_rate import FrameRateLimiter
from services.runtime.request_context import new_request_id

REPLAY_BUFFER_SIZE = 90
"""Results kept for subscribers that reconnect: three seconds at 30 frames per second."""

MAX_QUEUED_RESULTS = 8
"""Results queued for a slow subscriber: a quarter of a second at 30 frames per second."""

MAX_PENDING_EVENTS = 64
"""Events of dropped results that are kept for a subscriber's next result."""


def is_newer(frame_id: str, other_id: str) -> bool:
    """Return whether a frame is newer than another.

    A frame that is older by more than the lifetime of frames is newer too: the store's clock was set back.
    """
    order, other = frame_order(frame_id), frame_order(other_id)
    return order > other or other[0] - order[0] > FRAMES_TTL_S * 1000


@dataclass(frozen=True)
class FeedMessage:
    """One message of a feed.

    Attributes:
        event: ``result`` or ``status``.
        text: JSON.
        frame_id: The frame of a result.
    """

    event: str
    text: str
    frame_id: str | None = None


class Subscriber:
    """A bounded queue for one client. If it is full the oldest result is dropped; statuses and events are not."""

    def __init__(self, frame_rate: FrameRateLimiter, after: str | None, on_drop: Callable[[], None]) -> None:
        """Create an empty queue.

        Args:
            frame_rate: Selects the results that are sent.
            after: The id of the last frame whose result the client has, if any.
            on_drop: Called for each result that is dropped here.
        """
        self._frame_rate = frame_rate
        self._last_drops = Drops()
        self._after = after
        self._dropped = 0
        self._on_drop = on_drop
        self._replay: deque[AnalyzedFrame] = deque()
        self._results: deque[AnalyzedFrame] = deque()
        self._status: str | None = None
        self._pending_events: deque[EmotionEvent] = deque(maxlen=MAX_PENDING_EVENTS)
        self._closed = False
        self._changed = asyncio.Event()

    def start(self, buffered: Iterable[AnalyzedFrame], drops: Drops) -> None:
        """Start the subscription.

        Args:
            buffered: Earlier results. A client that reconnects first gets those that it does not have.
            drops: The session's drops before the subscription.
        """
        self._last_drops = drops
        if self._after is not None:
            self._replay.extend(result for result in buffered if is_newer(result.frame_id, self._after))
            self._changed.set()

    def enqueue(self, result: AnalyzedFrame) -> None:
        """Queue a result unless the client has it; the oldest is dropped if the queue is full."""
        if self._after is not None and not is_newer(result.frame_id, self._after):
            return
        self._after = None
        self._results.append(result)
        if len(self._results) > MAX_QUEUED_RESULTS:
            self._pending_events.extend(self._results.popleft().events)
            self._dropped += 1
            self._on_drop()
        self._changed.set()

    def send_status(self, status: str) -> None:
        """Queue a status; it replaces one that was not sent yet."""
        self._status = status
        self._changed.set()

    def close(self, status: str | None = None) -> None:
        """End the feed after a last status."""
        self._closed = True
        self._status = status
        self._changed.set()

    async def get(self, timeout_s: float) -> FeedMessage | None:
        """Return the next message; None if there is none in time.

        Raises:
            ClosedError: The feed has ended.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    await self._changed.wait()
                    message = self._next_message()
                    if message is not None:
                        return message
                    if self._closed:
                        raise ClosedError
                    self._changed.clear()
        except TimeoutError:
            return None

    def _next_message(self) -> FeedMessage | None:
        if self._status is not None:
            status, self._status = self._status, None
            return FeedMessage(STATUS, status)
        while not self._closed and (self._replay or self._results):
            result = self._replay.popleft() if self._replay else self._results.popleft()
            if self._frame_rate.allow(result.at_s):
                return self._result_message(result)
            self._pending_events.extend(result.events)
        return None

    def _result_message(self, result: AnalyzedFrame) -> FeedMessage:
        events = (*self._pending_events, *result.events)
        drops, before = result.drops, self._last_drops
        dropped = Drops(max(0, drops.detect - before.detect), max(0, drops.infer - before.infer), self._dropped)
        self._last_drops, self._dropped = drops, 0
        self._pending_events.clear()
        return FeedMessage(RESULT, result.to_json(events, dropped), result.frame_id)


class ResultBroadcaster:
    """Distributes one camera's results and problems."""

    def __init__(self, camera_id: str) -> None:
        self._camera_id = camera_id
        self._buffer: deque[AnalyzedFrame] = deque(maxlen=REPLAY_BUFFER_SIZE)
        self._subscribers: set[Subscriber] = set()
        self._frame_slots: set[LatestValue[AnalyzedFrame]] = set()
        self._problems: dict[str, Problem] = {}
        self._changed = asyncio.Event()

    @property
    def newest(self) -> AnalyzedFrame | None:
        """The newest result, without its JPEG."""
        return self._buffer[-1] if self._buffer else None

    @property
    def problem(self) -> Problem | None:
        """The current problem; the first one if there are several."""
        return next(iter(self._problems.values()), None)

    def publish(self, result: AnalyzedFrame) -> None:
        """Send a result to all subscribers; only those of ``subscribe_frames`` get its JPEG."""
        without_jpeg = result.without_jpeg()
        self._buffer.append(without_jpeg)
        for subscriber in self._subscribers:
            subscriber.enqueue(without_jpeg)
        for slot in self._frame_slots:
            slot.put(result)
        self._notify()

    def set_problem(self, step: str, problem: Problem | None) -> None:
        """Set or clear the problem of a step; subscribers get a status if the current problem changes."""
        before = self.problem
        if problem is None:
            self._problems.pop(step, None)
        else:
            self._problems[step] = problem
        if self.problem != before:
            for subscriber in self._subscribers:
                subscriber.send_status(self._status())
            self._notify()

    @contextmanager
    def subscribe(self, subscriber: Subscriber, drops: Drops) -> Iterator[None]:
        """Send results to a subscriber while the block runs; ``drops`` are the session's drops so far."""
        subscriber.start(self._buffer, drops)
        if self.problem is not None:
            subscriber.send_status(self._status())
        self._subscribers.add(subscriber)
        try:
            yield
        finally:
            self._subscribers.discard(subscriber)

    @contextmanager
    def subscribe_frames(self, slot: LatestValue[AnalyzedFrame]) -> Iterator[None]:
        """Put each result with its JPEG in the slot while the block runs."""
        self._frame_slots.add(slot)
        try:
            yield
        finally:
            self._frame_slots.discard(slot)

    async def wait_for(self, frame_id: str, timeout_s: float) -> AnalyzedFrame | None:
        """Return the newest result once it is of this frame or a newer one; None if a step fails or time runs out."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    newest = self.newest
                    if newest is not None and not is_newer(frame_id, newest.frame_id):
                        return newest
                    if self._problems:
                        return None
                    await self._changed.wait()
        except TimeoutError:
            return None

    def _status(self) -> str:
        problem = self.problem
        if problem is None:
            return LiveStatus(self._camera_id, LiveState.OK).to_json().decode()
        return LiveStatus(self._camera_id, LiveState.PROBLEM, problem.encode(new_request_id())).to_json().decode()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
