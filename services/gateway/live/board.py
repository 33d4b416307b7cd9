"""Where a session's results are found: by viewers, by those who ask once, and by who draws pictures."""

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from services.contracts.live import Drops, LiveState, LiveStatus
from services.contracts.problems import Problem
from services.gateway.live.answer import LiveAnswer, Seen
from services.gateway.live.latest import Latest
from services.gateway.live.resume import is_news
from services.gateway.live.viewer import Viewer
from services.runtime.request_context import new_request_id

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
