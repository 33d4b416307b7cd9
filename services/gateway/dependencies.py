"""The gateway's clients and state, and the FastAPI dependencies that give routes access to them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from prometheus_client import CollectorRegistry, Gauge
from starlette.requests import HTTPConnection

from services.gateway.adapters import detector_http, redis_store, tf_serving
from services.gateway.adapters.batching import BatchingModel
from services.gateway.adapters.redis_cameras import MAX_CONCURRENT_CAMERAS
from services.gateway.adapters.redis_store import RedisFrames
from services.gateway.analysis.cameras import CameraPredictor, CameraService
from services.gateway.analysis.pipeline import Pipeline
from services.gateway.analysis.uploads import UploadPredictor
from services.gateway.live.manager import LiveManager
from services.gateway.metrics import GatewayMetrics, LiveMetrics
from services.gateway.protocols import Deadline, EmotionModel, FaceDetector, FrameStore
from services.gateway.security.auth import RateLimit
from services.gateway.settings import GatewaySettings
from services.runtime.app import ServiceContext
from services.runtime.client_address import client_of
from services.runtime.health import Check
from services.runtime.limits import ByteBudget, ConcurrencyLimit, FairConcurrencyLimit

MODEL_TIME_RESERVE = 0.25
"""Part of a request's time that is reserved for the model."""

MAX_FRAMES_SENT = 32
"""Most camera frames that are sent at the same time. Each is held in memory until its client has received it."""

_HEALTH_CONNECTIONS = 4
"""Connections beyond those for predictions, so that readiness can be checked under full load."""

_SPARE_CONNECTIONS = 16
"""Connections of followed cameras whose reads are being cancelled."""


@dataclass(frozen=True)
class Clients:
    """The three services that the gateway orchestrates."""

    frames: FrameStore
    detector: FaceDetector
    model: EmotionModel


OpenClients = Callable[[GatewaySettings], AbstractAsyncContextManager[Clients]]


@asynccontextmanager
async def open_clients(settings: GatewaySettings) -> AsyncIterator[Clients]:
    """Open a Redis client, an HTTP client and a gRPC channel. They connect when they are used."""
    redis = redis_store.connect(
        settings.redis_url.get_secret_value(),
        settings.redis_timeout_s,
        max_connections=settings.max_live_cameras
        + redis_store.MAX_CONCURRENT_READS
        + MAX_CONCURRENT_CAMERAS
        + _SPARE_CONNECTIONS,
    )
    channel = tf_serving.connect(settings.serving_target)
    model = tf_serving.ModelClient(channel, settings.infer_timeout_s)
    detections = settings.max_concurrent_roi_detections + settings.max_concurrent_full_detections
    connections = settings.max_in_flight + detections + _HEALTH_CONNECTIONS
    async with detector_http.connect(settings.detector_url, connections) as transport:
        try:
            yield Clients(
                frames=RedisFrames(redis, settings.redis_timeout_s),
                detector=detector_http.DetectorClient(transport, settings.detector_url),
                model=BatchingModel(model, settings.max_concurrent_inferences),
            )
        finally:
            await channel.close()
            await redis.aclose()


class Limits:
    """Limits that routes share.

    Attributes:
        in_flight: Predictions in progress, of cameras and uploads together.
        uploads: Uploads from their first byte on, so that slow ones can't use up the limit of predictions.
        connections: WebSockets for images.
        frames_sent: Camera frames being sent.
        upload_bytes: Bytes of bodies and WebSocket messages that are received or in progress.
    """

    def __init__(self, settings: GatewaySettings, registry: CollectorRegistry) -> None:
        share = settings.upload_share
        self.in_flight = FairConcurrencyLimit(settings.max_in_flight, share, "predictions")
        self.uploads = FairConcurrencyLimit(settings.max_uploads, share, "uploads")
        self.connections = FairConcurrencyLimit(settings.max_uploads, share, "connections")
        self.frames_sent = ConcurrencyLimit(MAX_FRAMES_SENT)
        self.upload_bytes = ByteBudget(settings.max_upload_bytes_in_flight)
        Gauge("gateway_in_flight", "Predictions in progress", registry=registry).set_function(
            lambda: self.in_flight.in_flight
        )


@dataclass(frozen=True)
class AppState:
    """The objects that live from start to stop.

    Attributes:
        settings: The gateway's settings.
        context: The runtime's part.
        limits: Limits that routes share.
        metrics: Metrics of predictions.
        message_rate: Counts each image of a WebSocket.
        cameras: Reads cameras and frames.
        camera_predictor: Answers ``GET /predict``.
        upload_predictor: Answers ``POST /predict``.
        pipeline: The detector and the model.
        live: Live sessions.
        dependencies: Checks of the three services, by name.
    """

    settings: GatewaySettings
    context: ServiceContext
    limits: Limits
    metrics: GatewayMetrics
    message_rate: RateLimit
    cameras: CameraService
    camera_predictor: CameraPredictor
    upload_predictor: UploadPredictor
    pipeline: Pipeline
    live: LiveManager
    dependencies: Mapping[str, Check]

    def deadline(self) -> Deadline:
        """Return the deadline of a request that starts now."""
        return Deadline.after(self.settings.answer_timeout_s)


class StateBuilder:
    """Builds the state when the clients are open. Limits and metrics exist before: the middleware needs them."""

    def __init__(self, settings: GatewaySettings, context: ServiceContext, message_rate: RateLimit) -> None:
        self._settings = settings
        self._context = context
        self._message_rate = message_rate
        self._metrics = GatewayMetrics(context.registry)
        self._live_metrics = LiveMetrics(context.registry)
        self.limits = Limits(settings, context.registry)

    def build(self, clients: Clients) -> AppState:
        """Return the state on top of open clients."""
        settings = self._settings
        pipeline = Pipeline(
            clients.detector,
            clients.model,
            detect_timeout_s=settings.detect_timeout_s,
            model_time_s=MODEL_TIME_RESERVE * settings.answer_timeout_s,
        )
        cameras = CameraService(clients.frames, settings.max_frame_age_s)
        live = LiveManager(clients.frames, cameras, pipeline, settings, self._live_metrics)
        return AppState(
            settings=settings,
            context=self._context,
            limits=self.limits,
            metrics=self._metrics,
            message_rate=self._message_rate,
            cameras=cameras,
            camera_predictor=CameraPredictor(cameras, pipeline, live.polling),
            upload_predictor=UploadPredictor(pipeline, self.limits.in_flight, self._metrics, settings.answer_timeout_s),
            pipeline=pipeline,
            live=live,
            dependencies=dependency_checks(clients),
        )


# Dependencies are coroutines: FastAPI runs plain functions in a thread for each request.
async def app_state(request: HTTPConnection) -> AppState:
    """Return the state of the running gateway."""
    state = request.state.app_state
    assert isinstance(state, AppState)
    return state


AppStateDep = Annotated[AppState, Depends(app_state)]


async def upload_slot(request: HTTPConnection, state: AppStateDep) -> AsyncIterator[None]:
    """Hold a place among the uploads from before the body is read until the answer is sent.

    Raises:
        ServiceError: 429, the client has its share; 503, no place is free.
    """
    with state.limits.uploads.slot(client_of(request)):
        yield


class DependencyCheck:
    """A check of one dependency."""

    def __init__(self, check: Callable[[], Awaitable[str]], required: bool) -> None:
        self._check = check
        self.required = required

    async def __call__(self) -> str:
        return await self._check()


def dependency_checks(clients: Clients) -> dict[str, Check]:
    """Return a check of each dependency.

    The detector and the model are required. Without Redis uploads are still answered.
    """

    async def ping() -> str:
        await clients.frames.ping()
        return "answers"

    return {
        "redis": DependencyCheck(ping, required=False),
        "detector": DependencyCheck(clients.detector.check, required=True),
        "model": DependencyCheck(clients.model.check, required=True),
    }
