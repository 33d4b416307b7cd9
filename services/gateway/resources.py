"""What the gateway holds open while it runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from services.gateway import grpc_model, http_detector, redis_frames
from services.gateway.emotions import EmotionModel
from services.gateway.faces import FaceDetector
from services.gateway.frames import FrameStore
from services.gateway.joined_model import JoinedModel
from services.gateway.redis_cameras import MAX_PARALLEL
from services.gateway.redis_frames import RedisFrames
from services.gateway.settings import GatewaySettings

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
    redis = redis_frames.connect(
        settings.redis_url.get_secret_value(),
        settings.redis_timeout_s,
        max_connections=settings.max_live_cameras + redis_frames.MAX_READINGS + MAX_PARALLEL + _SPARE,
    )
    channel = grpc_model.connect(settings.serving_target)
    connections = settings.max_in_flight + settings.hinted_searches + settings.full_searches + _FOR_HEALTH
    async with http_detector.connect(settings.detector_url, connections) as transport:
        try:
            yield Resources(
                frames=RedisFrames(redis, settings.redis_timeout_s),
                detector=http_detector.HttpDetector(transport, settings.detector_url, settings.detect_timeout_s),
                model=JoinedModel(grpc_model.ServingModel(channel, settings.infer_timeout_s), settings.model_calls),
            )
        finally:
            await channel.close()
            await redis.aclose()
