"""Predictions for images that clients send."""

from dataclasses import dataclass
from time import perf_counter

from starlette.requests import HTTPConnection

from services.contracts.prediction import Prediction, UploadSource
from services.gateway.analysis.pipeline import Pipeline, build_prediction
from services.gateway.metrics import GatewayMetrics
from services.gateway.protocols import Deadline
from services.runtime.client_address import client_of
from services.runtime.limits import FairConcurrencyLimit


@dataclass(frozen=True)
class RequestTimer:
    """When a request arrived and when its image was complete, by ``perf_counter``."""

    started_s: float
    received_s: float

    @classmethod
    def now(cls) -> "RequestTimer":
        """Return the timer of an image that has just arrived as a whole."""
        now_s = perf_counter()
        return cls(now_s, now_s)

    def elapsed_ms(self) -> tuple[float, float]:
        """Return the milliseconds until the image was complete, and until now."""
        return (self.received_s - self.started_s) * 1e3, (perf_counter() - self.started_s) * 1e3


@dataclass(frozen=True)
class Caller:
    """The sender of an image.

    Attributes:
        request_id: Id of the request, or of one message of a WebSocket.
        client: The client that limits count it for.
    """

    request_id: str
    client: str

    @classmethod
    def of(cls, request: HTTPConnection) -> "Caller":
        """Return the caller of a request."""
        return cls(request.state.request_id, client_of(request))


@dataclass(frozen=True)
class UploadPredictor:
    """Analyses uploaded images, with one concurrency limit for all routes.

    Attributes:
        pipeline: Finds faces and emotions.
        in_flight: Limits the concurrent predictions.
        metrics: Counts the predictions.
        timeout_s: Limit for one image, without the time of its upload.
    """

    pipeline: Pipeline
    in_flight: FairConcurrencyLimit
    metrics: GatewayMetrics
    timeout_s: float

    async def predict(self, image: bytes, media_type: str, caller: Caller, timer: RequestTimer) -> Prediction:
        """Return the faces and emotions in an image.

        Args:
            image: As received, not decoded.
            media_type: As the client states it.
            caller: The sender.
            timer: Measures the request.

        Raises:
            ServiceError: The image can't be used, a service fails, or too many requests are in flight.
        """
        with self.in_flight.slot(caller.client):
            deadline = Deadline.after(self.timeout_s)
            analysis = await self.pipeline.analyze(image, media_type, caller.request_id, deadline)
        prediction = build_prediction(caller.request_id, UploadSource(), analysis, *timer.elapsed_ms())
        self.metrics.observe(prediction)
        return prediction
