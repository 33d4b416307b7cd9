"""What requests find in a running gateway."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from services.gateway.adapters import detector_http, redis_store, tf_serving
from services.gateway.adapters.batching import JoinedModel
from services.gateway.adapters.redis_cameras import MAX_PARALLEL
from services.gateway.adapters.redis_store import RedisFrames
from services.gateway.analysis.cameras import CameraAnalyses, CameraFrames
from services.gateway.analysis.pipeline import Pipeline
from services.gateway.live.manager import LiveCameras
from services.gateway.metrics import LiveMetrics
from services.gateway.protocols import Deadline, EmotionModel, FaceDetector, FrameStore
from services.gateway.settings import GatewaySettings
from services.runtime.health import Check

_FOR_HEALTH = 4
"""Connections beyond those for predictions, so that readiness can be asked for under full load."""

_SPARE = 16
"""Connections of followed cameras whose readings are being ended."""


@dataclass(frozen=True)
class Resources:
    """The three services that the gateway orchestrates."""

    frames: FrameStore
    detector: FaceDetector
    model: EmotionModel


OpenResources = Callable[[GatewaySettings], AbstractAsyncContextManager[Resources]]


@asynccontextmanager
async def open_resources(settings: GatewaySettings) -> AsyncIterator[Resources]:
    """Open one Redis client, one HTTP client and one gRPC channel; nothing needs to be there yet."""
    redis = redis_store.connect(
        settings.redis_url.get_secret_value(),
        settings.redis_timeout_s,
        max_connections=settings.max_live_cameras + redis_store.MAX_READINGS + MAX_PARALLEL + _SPARE,
    )
    channel = tf_serving.connect(settings.serving_target)
    connections = settings.max_in_flight + settings.hinted_searches + settings.full_searches + _FOR_HEALTH
    async with detector_http.connect(settings.detector_url, connections) as transport:
        try:
            yield Resources(
                frames=RedisFrames(redis, settings.redis_timeout_s),
                detector=detector_http.HttpDetector(transport, settings.detector_url, settings.detect_timeout_s),
                model=JoinedModel(tf_serving.ServingModel(channel, settings.infer_timeout_s), settings.model_calls),
            )
        finally:
            await channel.close()
            await redis.aclose()


MODELS_SHARE = 0.25
"""The part of a request's time that is the model's: a detector that takes more than the rest is the one too slow."""


@dataclass(frozen=True)
class Running:
    """The parts that live from start to stop."""

    store: FrameStore
    frames: CameraFrames
    analyses: CameraAnalyses
    pipeline: Pipeline
    live: LiveCameras
    answer_timeout_s: float

    def deadline(self) -> Deadline:
        """Return the moment by which a request that begins now is answered."""
        return Deadline.after(self.answer_timeout_s)


def run_parts(resources: Resources, settings: GatewaySettings, live_metrics: LiveMetrics) -> Running:
    """Build the parts on top of the open resources."""
    pipeline = Pipeline(resources.detector, resources.model, MODELS_SHARE * settings.answer_timeout_s)
    frames = CameraFrames(resources.frames, settings.max_frame_age_s)
    return Running(
        store=resources.frames,
        frames=frames,
        analyses=CameraAnalyses(pipeline),
        pipeline=pipeline,
        live=LiveCameras(resources.frames, frames, pipeline, settings, live_metrics),
        answer_timeout_s=settings.answer_timeout_s,
    )


async def running(request: HTTPConnection) -> Running:
    """Return the parts of the gateway that a request came to; a coroutine, since others cost each request a thread."""
    parts = request.state.running
    assert isinstance(parts, Running)
    return parts


RunningParts = Annotated[Running, Depends(running)]


class DependencyCheck:
    """One dependency of the gateway."""

    def __init__(self, look: Callable[[], Awaitable[str]], required: bool) -> None:
        self._look = look
        self.required = required

    async def __call__(self) -> str:
        """Return what is found; raise where it fails."""
        return await self._look()


def dependency_checks(resources: Resources) -> dict[str, Check]:
    """Return a check for each dependency.

    Without the detector or the model nothing can be answered; without Redis uploads still can.
    """

    async def ping() -> str:
        await resources.frames.ping()
        return "answers"

    return {
        "redis": DependencyCheck(ping, required=False),
        "detector": DependencyCheck(resources.detector.check, required=True),
        "model": DependencyCheck(resources.model.check, required=True),
    }
