"""A camera's picture as a stream of JPEGs: as it is, with what was found drawn into it, or with faces hidden."""

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
from services.gateway.live.latest_value import Latest, cleared
from services.gateway.live.results import Seen
from services.gateway.live.search import SAME_PLACE_OVERLAP, distinct_boxes
from services.gateway.live.session import LiveSession
from services.gateway.live.shared_tasks import Lifetimes

HOLD_BACK_S = 0.4
"""How long a picture with hidden faces is held back, so that a face found late is hidden from its first frame on."""

MAX_SILENCE_S = 2.0
"""Without a new result for this long, pictures that wait for one are let go, unshown."""

_MOST_HELD = 60
_log = logging.getLogger(__name__)


class Look(NamedTuple):
    """What is drawn into a camera's picture."""

    camera: str
    overlay: bool
    blur: bool


@dataclass(frozen=True)
class Picture:
    """One picture of a stream.

    Attributes:
        jpeg: As clients get it.
        frame_id: The frame that it shows.
        at_s: When that was captured.
    """

    jpeg: bytes
    frame_id: str
    at_s: float


class HeldBack:
    """Results whose faces may not all be known yet; pure but for what it holds."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._held: deque[tuple[float, Seen]] = deque(maxlen=_MOST_HELD)

    def add(self, seen: Seen, now_s: float) -> None:
        """Hold a result; beyond a limit the oldest goes, unshown."""
        self._held.append((now_s, seen))

    def clear(self) -> None:
        """Let go of all."""
        self._held.clear()

    def wait_s(self, now_s: float) -> float | None:
        """Return how long to wait for the oldest that may be shown; None if that depends on what comes."""
        if not self._held or not self._searched(self._held[0][1]):
            return None
        return max(0.0, self._held[0][0] + self._hold_s - now_s)

    def ripe(self, now_s: float) -> Seen | None:
        """Return the newest that may be shown, all its faces among ``hidden``, and let go of those before it.

        A frame may be shown once one that is no older has been searched whole: then every face in it that the
        detector can find is known, from the frame's own result or from a later one.
        """
        shown: Seen | None = None
        while self._held and self._held[0][0] + self._hold_s <= now_s and self._searched(self._held[0][1]):
            shown = self._held.popleft()[1]
        if shown is None:
            return None
        later = (box for _, seen in self._held for box in seen.hidden)
        return replace(shown, hidden=distinct_boxes((*shown.hidden, *later), SAME_PLACE_OVERLAP))

    def _searched(self, seen: Seen) -> bool:
        return self._held[-1][1].searched_at_us >= seen.frame.captured_at_us


class Painter:
    """Draws one camera's pictures in one way, once for all who ask for that."""

    def __init__(self, look: Look, sessions: Lifetimes[str, LiveSession], pool: Executor) -> None:
        self._look = look
        self._sessions = sessions
        self._pool = pool
        self._slots: set[Latest[Picture]] = set()

    @contextmanager
    def watched(self, slot: Latest[Picture]) -> Iterator[None]:
        """Put each picture in the slot while the block runs."""
        self._slots.add(slot)
        try:
            yield
        finally:
            self._slots.discard(slot)

    async def run(self) -> None:
        """Draw until cancelled."""
        incoming: Latest[Seen] = Latest()
        held = HeldBack(HOLD_BACK_S if self._look.blur else 0.0)
        with (
            cleared(incoming, held),
            self._sessions.hold(self._look.camera) as session,
            session.board.painted(incoming),
            # What is shown without a face hidden must not hang on what counts as a change.
            session.searched_whole() if self._look.blur else nullcontext(),
        ):
            while True:
                await self._wait(incoming, held)
                await self._show(held.ripe(monotonic()) if self._look.blur else incoming.take_now())

    async def _wait(self, incoming: Latest[Seen], held: HeldBack) -> None:
        if not self._look.blur:
            await incoming.wait()
            return
        wait_s = held.wait_s(monotonic())
        try:
            async with asyncio.timeout(MAX_SILENCE_S if wait_s is None else wait_s):
                await incoming.wait()
        except TimeoutError:
            if wait_s is None:
                held.clear()
            return
        seen = incoming.take_now()
        if seen is not None:
            held.add(seen, monotonic())

    async def _show(self, seen: Seen | None) -> None:
        if seen is None:
            return
        labels = seen.labels if self._look.overlay else None
        hidden = seen.hidden if self._look.blur else ()
        try:
            jpeg = await asyncio.get_running_loop().run_in_executor(
                self._pool, draw, seen.frame.message.jpeg, labels, hidden
            )
        except DamagedJpegError:
            return
        except Exception:
            _log.exception("camera %s: drawing failed", self._look.camera)
            return
        picture = Picture(jpeg, seen.frame.frame_id, seen.answer.at_s)
        for slot in self._slots:
            slot.put(picture)
