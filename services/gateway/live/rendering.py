"""A camera's video with annotations or blurred faces, rendered once for all viewers with the same options."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from time import monotonic
from typing import NamedTuple

from services.gateway.drawing.annotate import DamagedJpegError, draw
from services.gateway.live.latest_value import LatestValue, clearing
from services.gateway.live.results import BLUR_IOU, AnalyzedFrame
from services.gateway.live.search import distinct_boxes
from services.gateway.live.session import LiveSession
from services.gateway.live.shared_tasks import SharedTasks
from services.gateway.protocols import Frame
from services.runtime.clock import Clock

BLUR_DELAY_S = 0.4
"""Delay of video with blurred faces, so that a face that is found late is blurred from its first frame on."""

MAX_SILENCE_S = 2.0
"""After this time without a new result, delayed frames are discarded."""

_MAX_DELAYED = 60
_log = logging.getLogger(__name__)


class RenderOptions(NamedTuple):
    """The camera and what is drawn into its frames."""

    camera_id: str
    overlay: bool
    blur: bool


@dataclass(frozen=True)
class RenderedFrame:
    """One frame of a video.

    Attributes:
        jpeg: The image for clients.
        frame_id: The id of its frame.
        at_s: The frame's capture time.
    """

    jpeg: bytes
    frame_id: str
    at_s: float

    @staticmethod
    def unchanged(frame: Frame) -> "RenderedFrame":
        """Return a frame as it is."""
        return RenderedFrame(frame.message.jpeg, frame.frame_id, frame.captured_at_us / 1e6)


class DelayBuffer:
    """Results whose faces may not all be known yet."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._delayed: deque[tuple[float, AnalyzedFrame]] = deque(maxlen=_MAX_DELAYED)

    def add(self, result: AnalyzedFrame, now_s: float) -> None:
        """Add a result; if the buffer is full the oldest is discarded."""
        self._delayed.append((now_s, result))

    def clear(self) -> None:
        """Discard all results."""
        self._delayed.clear()

    def wait_s(self, now_s: float) -> float | None:
        """Return the time until the oldest result is ready; None if that depends on a later result."""
        if not self._delayed or not self._is_searched(self._delayed[0][1]):
            return None
        return max(0.0, self._delayed[0][0] + self._delay_s - now_s)

    def pop_ready(self, now_s: float) -> AnalyzedFrame | None:
        """Return the newest result that is ready, with all its faces in ``hidden``, and discard those before it.

        A frame is ready once it, or a later frame, was searched in full: then every face in it that the detector can
        find is known, from the frame's own result or from a later one.
        """
        ready: AnalyzedFrame | None = None
        while self._delayed and self._delayed[0][0] + self._delay_s <= now_s and self._is_searched(self._delayed[0][1]):
            ready = self._delayed.popleft()[1]
        if ready is None:
            return None
        later = (box for _, result in self._delayed for box in result.hidden)
        return replace(ready, hidden=distinct_boxes((*ready.hidden, *later), BLUR_IOU))

    def _is_searched(self, result: AnalyzedFrame) -> bool:
        return self._delayed[-1][1].full_search_at_us >= result.frame.captured_at_us


class FrameRenderer:
    """Renders one camera's frames with one set of options."""

    def __init__(
        self,
        options: RenderOptions,
        sessions: SharedTasks[str, LiveSession],
        pool: Executor,
        clock: Clock = monotonic,
    ) -> None:
        self._options = options
        self._sessions = sessions
        self._pool = pool
        self._clock = clock
        self._slots: set[LatestValue[RenderedFrame]] = set()

    @contextmanager
    def subscribe(self, slot: LatestValue[RenderedFrame]) -> Iterator[None]:
        """Put each rendered frame in the slot while the block runs."""
        self._slots.add(slot)
        try:
            yield
        finally:
            self._slots.discard(slot)

    async def run(self) -> None:
        """Render until cancelled."""
        incoming: LatestValue[AnalyzedFrame] = LatestValue()
        delayed = DelayBuffer(BLUR_DELAY_S if self._options.blur else 0.0)
        with (
            clearing(incoming, delayed),
            self._sessions.acquire(self._options.camera_id) as session,
            session.broadcaster.subscribe_frames(incoming),
            # Change detection may miss a face, which would then be shown unblurred.
            session.require_full_searches() if self._options.blur else nullcontext(),
        ):
            while True:
                await self._wait(incoming, delayed)
                await self._render(delayed.pop_ready(self._clock()) if self._options.blur else incoming.get_nowait())

    async def _wait(self, incoming: LatestValue[AnalyzedFrame], delayed: DelayBuffer) -> None:
        if not self._options.blur:
            await incoming.wait()
            return
        wait_s = delayed.wait_s(self._clock())
        try:
            async with asyncio.timeout(MAX_SILENCE_S if wait_s is None else wait_s):
                await incoming.wait()
        except TimeoutError:
            if wait_s is None:
                delayed.clear()
            return
        result = incoming.get_nowait()
        if result is not None:
            delayed.add(result, self._clock())

    async def _render(self, result: AnalyzedFrame | None) -> None:
        if result is None:
            return
        labels = result.labels if self._options.overlay else None
        hidden = result.hidden if self._options.blur else ()
        try:
            jpeg = await asyncio.get_running_loop().run_in_executor(
                self._pool, draw, result.frame.message.jpeg, labels, hidden
            )
        except DamagedJpegError:
            return
        except Exception:
            _log.exception("camera %s: rendering failed", self._options.camera_id)
            return
        rendered = RenderedFrame(jpeg, result.frame_id, result.at_s)
        for slot in self._slots:
            slot.put(rendered)
