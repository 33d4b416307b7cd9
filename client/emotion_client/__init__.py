"""Python client of the emotion gateway.

>>> from emotion_client import EmotionClient
>>> with EmotionClient("http://127.0.0.1:8000") as client:  # doctest: +SKIP
...     print(client.predict("face.jpg").emotion)
"""

from emotion_client.async_client import AsyncEmotionClient
from emotion_client.client import EmotionClient
from emotion_client.errors import (
    AccessError,
    CameraAmbiguousError,
    CameraNotFoundError,
    CameraUnavailableError,
    DependencyTimeoutError,
    EmotionError,
    ImageError,
    ProblemError,
    RateLimitedError,
    RequestError,
    ServerError,
    UnavailableError,
    UnexpectedResponseError,
    UnreachableError,
)
from emotion_client.requests import Image
from emotion_client.results import CameraFrame, FeedStatus, LiveResult, Readiness, ServiceState
from emotion_client.video import VideoFrame
from services.contracts.cameras import CameraView
from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import Box, ImageSize
from services.contracts.live import Drops, EmotionEvent
from services.contracts.prediction import CameraSource, FaceEmotion, Prediction, UploadSource
from services.contracts.video import TrackedPrediction

__all__ = [
    "EMOTIONS",
    "AccessError",
    "AsyncEmotionClient",
    "Box",
    "CameraAmbiguousError",
    "CameraFrame",
    "CameraNotFoundError",
    "CameraSource",
    "CameraUnavailableError",
    "CameraView",
    "DependencyTimeoutError",
    "Drops",
    "Emotion",
    "EmotionClient",
    "EmotionError",
    "EmotionEvent",
    "FaceEmotion",
    "FeedStatus",
    "Image",
    "ImageError",
    "ImageSize",
    "LiveResult",
    "Prediction",
    "ProblemError",
    "RateLimitedError",
    "Readiness",
    "RequestError",
    "ServerError",
    "ServiceState",
    "TrackedPrediction",
    "UnavailableError",
    "UnexpectedResponseError",
    "UnreachableError",
    "UploadSource",
    "VideoFrame",
]
