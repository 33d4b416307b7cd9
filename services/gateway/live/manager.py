"""All cameras that somebody follows now."""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from time import monotonic

from services.contracts.live import LiveState, LiveStatus
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.analysis.cameras import CameraService
from services.gateway.analysis.pipeline import Pipeline
from services.gateway.live.broadcast import Viewer
from services.gateway.live.frame_source import FrameFeed, soon
from services.gateway.live.latest_value import Latest, cleared
from services.gateway.live.rendering import Look, Painter, Picture
from services.gateway.live.results import LiveAnswer
from services.gateway.live.search import DetectorShare
from services.gateway.live.session import LiveSession, SessionParts
from services.gateway.live.shared_tasks import Lifetimes
from services.gateway.metrics import LiveMetrics
from services.gateway.protocols import Deadline, Frame, FrameStore
from services.gateway.settings import GatewaySettings
from services.runtime.client_address import UNKNOWN
from services.runtime.frame_rate import FrameRateLimiter
from services.runtime.limits import FairConcurrencyLimit

SESSION_IDLE_S = 1.0
"""Two polls within this time start a session, which ends this long after the last poll."""

MAX_CACHED_AGE_MS = 150.0
"""A result for a frame up to this age is returned without reading Redis."""

RESULT_WAIT_S = 0.5
"""How long a poll waits for the session's result before the frame is analysed separately."""

_KEPT = 256


class PollingClients:
    """Gives clients that poll the results of live sessions. Frequent polls of a camera start a session."""

    def __init__(self, sessions: Lifetimes[str, LiveSession]) -> None:
        self._sessions = sessions
        self._polled_at_s: dict[str, float] = {}

    def cached(self, camera: str) -> LiveAnswer | None:
        """Return the newest result of the camera's session if one runs and the result is fresh."""
        session = self._sessions.get(camera)
        if session is None:
            return None
        self._sessions.keep(camera, SESSION_IDLE_S)
        newest = session.board.newest
        if newest is None or newest.frame.age_ms() > MAX_CACHED_AGE_MS:
            return None
        return newest

    async def wait_for(self, camera: str, frame_id: str, deadline: Deadline) -> LiveAnswer | None:
        """Return the result of this frame or a newer one if the camera's session has it, or soon will."""
        session = self._sessions.get(camera)
        return (
            None if session is None else await session.result_of(frame_id, deadline.capped(RESULT_WAIT_S).remaining_s())
        )

    def record_poll(self, camera: str, frame_id: str) -> None:
        """Record a poll that was answered without a session."""
        now = monotonic()
        before = self._polled_at_s.get(camera)
        if len(self._polled_at_s) >= _KEPT:
            self._polled_at_s.clear()
        self._polled_at_s[camera] = now
        if before is None or now - before > SESSION_IDLE_S or self._sessions.get(camera) is not None:
            return
        with suppress(ServiceError):  # the limit of live cameras is reached, or the service stops
            self._sessions.keep(camera, SESSION_IDLE_S).skip(frame_id)


LINGER_S = 1.0
"""How long a session runs on without viewers and questions: time to come back and go on."""

_DRAWING_THREADS = 2
_CLOSING_S = 2.0


class LiveCameras:
    """Sessions, and those who follow them."""

    def __init__(
        self,
        store: FrameStore,
        frames: CameraService,
        pipeline: Pipeline,
        settings: GatewaySettings,
        metrics: LiveMetrics,
    ) -> None:
        self._frames = frames
        self._metrics = metrics
        self._viewers = FairConcurrencyLimit(settings.max_viewers, settings.viewer_share, "viewers")
        self._open: set[Callable[[], None]] = set()
        self._gone = asyncio.Event()
        self._closed = False
        self._pool = ThreadPoolExecutor(_DRAWING_THREADS, thread_name_prefix="draw")
        most = settings.max_live_cameras
        self._feeds: Lifetimes[str, FrameFeed] = Lifetimes(lambda camera: FrameFeed(camera, store, frames), most)
        share = DetectorShare(settings.max_concurrent_roi_detections, settings.max_concurrent_full_detections)
        parts = SessionParts(
            self._feeds, pipeline, share, settings.live_timeout_s, settings.live_search_timeout_s, metrics
        )
        self._sessions: Lifetimes[str, LiveSession] = Lifetimes(
            lambda camera: LiveSession(camera, parts), most, LINGER_S
        )
        self._painters: Lifetimes[Look, Painter] = Lifetimes(
            lambda look: Painter(look, self._sessions, self._pool), 4 * most
        )
        self.polling = PollingClients(self._sessions)
        metrics.watch(sessions=lambda: len(self._sessions), viewers=lambda: len(self._open))

    async def require_camera(self, camera: str) -> None:
        """Make sure that there is such a camera, as far as can be known now.

        Raises:
            ServiceError: There isn't. A store that fails is no reason: who follows a camera is told of it.
        """
        if self._sessions.get(camera) is not None:
            return
        try:
            await self._frames.get(camera, soon())
        except ServiceError as error:
            if error.problem.kind is ProblemKind.CAMERA_NOT_FOUND:
                raise

    @contextmanager
    def viewed(self, camera: str, fps: float | None, after: str | None, client: str = UNKNOWN) -> Iterator[Viewer]:
        """Have a viewer of a camera's results while the block runs.

        Args:
            camera: Its id.
            fps: Most results a second.
            after: The id of the frame to go on after.
            client: What the viewer counts for.

        Raises:
            ServiceError: 429, the client has its share; 503, too many viewers or cameras, or the service stops.
        """
        viewer = Viewer(FrameRateLimiter(fps), after, lambda: self._metrics.drop("viewer"))
        goodbye = json.dumps(LiveStatus(camera, LiveState.CLOSING).encode())
        with (
            self._place(lambda: viewer.close(goodbye), client),
            self._sessions.hold(camera) as session,
            session.board.viewed(viewer, session.drops),
        ):
            yield viewer

    @contextmanager
    def pictured(self, look: Look, client: str = UNKNOWN) -> Iterator[Latest[Picture]]:
        """Have a slot that gets a camera's pictures while the block runs.

        Args:
            look: Which camera, and what is drawn.
            client: What the viewer counts for.

        Raises:
            ServiceError: 429, the client has its share; 503, too many viewers or cameras, or the service stops.
        """
        slot: Latest[Picture] = Latest(lambda: self._metrics.drop("picture"))
        with self._place(slot.close, client), cleared(slot):
            if look.overlay or look.blur:
                with self._painters.hold(look) as painter, painter.watched(slot):
                    yield slot
            else:
                with self._feeds.hold(look.camera) as feed, feed.following(lambda frame: slot.put(as_picture(frame))):
                    yield slot

    @contextmanager
    def served(self, close: Callable[[], None], client: str = UNKNOWN) -> Iterator[None]:
        """Have ``close`` called when the service stops while the block runs.

        Args:
            close: Ends the connection.
            client: What it counts for.

        Raises:
            ServiceError: 429, the client has its share; 503, too many viewers, or the service stops.
        """
        with self._place(close, client):
            yield

    async def close(self) -> None:
        """Tell all who follow a camera, give them a moment to leave, and end everything."""
        self._closed = True
        self._sessions.no_more()
        for close in list(self._open):
            close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                while self._open:
                    self._gone.clear()
                    await self._gone.wait()
        await self._painters.close()
        await self._sessions.close()
        await self._feeds.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _place(self, close: Callable[[], None], client: str) -> Iterator[None]:
        if self._closed:
            raise ServiceError(ProblemKind.STOPPING, "The service stops")
        with self._viewers.slot(client):
            self._open.add(close)
            try:
                yield
            finally:
                self._open.discard(close)
                self._gone.set()


def as_picture(frame: Frame) -> Picture:
    """Return a frame as it is."""
    return Picture(frame.message.jpeg, frame.frame_id, frame.captured_at_us / 1e6)
