"""All live sessions, and the clients that use them."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from time import monotonic

from services.contracts.live import LiveState, LiveStatus
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.analysis.cameras import CameraService
from services.gateway.analysis.pipeline import Pipeline
from services.gateway.live.broadcast import Subscriber
from services.gateway.live.frame_source import FrameSource, read_deadline
from services.gateway.live.latest_value import LatestValue, clearing
from services.gateway.live.rendering import FrameRenderer, RenderedFrame, RenderOptions
from services.gateway.live.results import AnalyzedFrame
from services.gateway.live.search import DetectorQuota
from services.gateway.live.session import LiveSession, SessionDeps
from services.gateway.live.shared_tasks import SharedTasks
from services.gateway.metrics import LiveMetrics
from services.gateway.protocols import Deadline, FrameStore
from services.gateway.settings import GatewaySettings
from services.runtime.client_address import UNKNOWN
from services.runtime.clock import Clock
from services.runtime.frame_rate import FrameRateLimiter
from services.runtime.limits import FairConcurrencyLimit

SESSION_IDLE_S = 1.0
"""Two polls within this time start a session, which ends this long after the last poll."""

MAX_CACHED_AGE_MS = 150.0
"""A result for a frame up to this age is returned without reading Redis."""

RESULT_WAIT_S = 0.5
"""How long a poll waits for the session's result before the frame is analysed separately."""

LINGER_S = 1.0
"""A session without users runs on for this time, so that clients can reconnect."""

_MAX_POLLED_CAMERAS = 256
_RENDERING_THREADS = 2
_CLOSE_TIMEOUT_S = 2.0


class PollingClients:
    """Gives clients that poll the results of live sessions. Frequent polls of a camera start a session."""

    def __init__(self, sessions: SharedTasks[str, LiveSession], clock: Clock = monotonic) -> None:
        self._sessions = sessions
        self._clock = clock
        self._polled_at_s: dict[str, float] = {}

    def cached(self, camera: str) -> AnalyzedFrame | None:
        """Return the newest result of the camera's session if one runs and the result is fresh."""
        session = self._sessions.get(camera)
        if session is None:
            return None
        self._sessions.keep_alive(camera, SESSION_IDLE_S)
        newest = session.broadcaster.newest
        if newest is None or newest.frame.age_ms() > MAX_CACHED_AGE_MS:
            return None
        return newest

    async def wait_for(self, camera: str, frame_id: str, deadline: Deadline) -> AnalyzedFrame | None:
        """Return the result of this frame or a newer one if the camera's session has it, or soon will."""
        session = self._sessions.get(camera)
        if session is None:
            return None
        return await session.wait_for(frame_id, deadline.capped(RESULT_WAIT_S).remaining_s())

    def record_poll(self, camera: str, frame_id: str) -> None:
        """Record a poll that was answered without a session."""
        now_s = self._clock()
        before_s = self._polled_at_s.get(camera)
        if len(self._polled_at_s) >= _MAX_POLLED_CAMERAS:
            self._polled_at_s.clear()
        self._polled_at_s[camera] = now_s
        if before_s is None or now_s - before_s > SESSION_IDLE_S or self._sessions.get(camera) is not None:
            return
        with suppress(ServiceError):  # the limit of live cameras is reached, or the service stops
            self._sessions.keep_alive(camera, SESSION_IDLE_S).skip(frame_id)


class LiveManager:
    """Starts and stops live sessions for feeds, videos and polling clients."""

    def __init__(
        self,
        store: FrameStore,
        cameras: CameraService,
        pipeline: Pipeline,
        settings: GatewaySettings,
        metrics: LiveMetrics,
        clock: Clock = monotonic,
    ) -> None:
        self._cameras = cameras
        self._metrics = metrics
        self._viewers = FairConcurrencyLimit(settings.max_viewers, settings.viewer_share, "viewers")
        self._connections: set[Callable[[], None]] = set()
        self._disconnected = asyncio.Event()
        self._closed = False
        self._pool = ThreadPoolExecutor(_RENDERING_THREADS, thread_name_prefix="render")
        max_cameras = settings.max_live_cameras
        self._sources: SharedTasks[str, FrameSource] = SharedTasks(
            lambda camera_id: FrameSource(camera_id, store, cameras, clock), max_cameras
        )
        deps = SessionDeps(
            sources=self._sources,
            pipeline=pipeline,
            quota=DetectorQuota(settings.max_concurrent_roi_detections, settings.max_concurrent_full_detections),
            step_timeout_s=settings.live_timeout_s,
            search_timeout_s=settings.live_search_timeout_s,
            metrics=metrics,
            clock=clock,
        )
        self._sessions: SharedTasks[str, LiveSession] = SharedTasks(
            lambda camera_id: LiveSession(camera_id, deps), max_cameras, LINGER_S
        )
        self._renderers: SharedTasks[RenderOptions, FrameRenderer] = SharedTasks(
            lambda options: FrameRenderer(options, self._sessions, self._pool, clock), 4 * max_cameras
        )
        self.polling = PollingClients(self._sessions, clock)
        metrics.watch(sessions=lambda: len(self._sessions), viewers=lambda: len(self._connections))

    async def require_camera(self, camera_id: str) -> None:
        """Check that a camera exists. If the store fails the check passes: the feed reports the failure.

        Raises:
            ServiceError: There is no such camera.
        """
        if self._sessions.get(camera_id) is not None:
            return
        try:
            await self._cameras.get(camera_id, read_deadline())
        except ServiceError as error:
            if error.problem.kind is ProblemKind.CAMERA_NOT_FOUND:
                raise

    @contextmanager
    def subscribe(
        self, camera_id: str, fps: float | None, after: str | None, client: str = UNKNOWN
    ) -> Iterator[Subscriber]:
        """Subscribe to a camera's results while the block runs.

        Args:
            camera_id: The camera.
            fps: Most results per second; None for all.
            after: The id of the last frame whose result the client has.
            client: The client that the connection counts for.

        Raises:
            ServiceError: 429, the client has its share; 503, too many viewers or cameras, or the service stops.
        """
        subscriber = Subscriber(FrameRateLimiter(fps), after, lambda: self._metrics.drop("viewer"))
        closing = LiveStatus(camera_id, LiveState.CLOSING).to_json().decode()
        with (
            self.connection(lambda: subscriber.close(closing), client),
            self._sessions.acquire(camera_id) as session,
            session.broadcaster.subscribe(subscriber, session.drops),
        ):
            yield subscriber

    @contextmanager
    def subscribe_video(self, options: RenderOptions, client: str = UNKNOWN) -> Iterator[LatestValue[RenderedFrame]]:
        """Subscribe to a camera's video while the block runs.

        Args:
            options: The camera, and what is drawn.
            client: The client that the connection counts for.

        Raises:
            ServiceError: 429, the client has its share; 503, too many viewers or cameras, or the service stops.
        """
        slot: LatestValue[RenderedFrame] = LatestValue(lambda: self._metrics.drop("picture"))
        with self.connection(slot.close, client), clearing(slot):
            if options.overlay or options.blur:
                with self._renderers.acquire(options) as renderer, renderer.subscribe(slot):
                    yield slot
            else:
                with (
                    self._sources.acquire(options.camera_id) as source,
                    source.subscribe(lambda frame: slot.put(RenderedFrame.unchanged(frame))),
                ):
                    yield slot

    @contextmanager
    def connection(self, close: Callable[[], None], client: str = UNKNOWN) -> Iterator[None]:
        """Count a connection while the block runs.

        Args:
            close: Closes the connection; called when the service stops.
            client: The client that the connection counts for.

        Raises:
            ServiceError: 429, the client has its share; 503, too many viewers, or the service stops.
        """
        if self._closed:
            raise ServiceError(ProblemKind.STOPPING, "The service stops")
        with self._viewers.slot(client):
            self._connections.add(close)
            try:
                yield
            finally:
                self._connections.discard(close)
                self._disconnected.set()

    async def close(self) -> None:
        """Close all connections, wait for clients to leave, and stop all sessions."""
        self._closed = True
        self._sessions.stop_accepting()
        for close in list(self._connections):
            close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                while self._connections:
                    self._disconnected.clear()
                    await self._disconnected.wait()
        await self._renderers.close()
        await self._sessions.close()
        await self._sources.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
