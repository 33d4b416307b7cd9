"""What the gateway holds open while it runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx

from services.gateway import grpc_model, redis_frames
from services.gateway.emotions import EmotionModel
from services.gateway.faces import FaceDetector
from services.gateway.frames import FrameStore
from services.gateway.http_detector import HttpDetector
from services.gateway.settings import GatewaySettings


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
    redis = redis_frames.connect(settings.redis_url.get_secret_value(), settings.redis_timeout_s)
    channel = grpc_model.connect(settings.serving_target)
    limits = httpx.Limits(max_connections=settings.max_in_flight + 4, max_keepalive_connections=settings.max_in_flight)
    async with httpx.AsyncClient(
        base_url=settings.detector_url, timeout=settings.detect_timeout_s, limits=limits, trust_env=False
    ) as client:
        try:
            yield Resources(
                frames=redis_frames.RedisFrames(redis, settings.redis_timeout_s),
                detector=HttpDetector(client, settings.detect_timeout_s),
                model=grpc_model.ServingModel(channel, settings.infer_timeout_s),
            )
        finally:
            await channel.close()
            await redis.aclose()
