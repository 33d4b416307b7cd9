"""The way of an image that a client sent, whichever address it came to."""

from dataclasses import dataclass
from time import perf_counter

from starlette.requests import HTTPConnection

from services.contracts.prediction import Prediction, UploadSource
from services.gateway.answer import prediction
from services.gateway.metrics import GatewayMetrics
from services.gateway.running import Running
from services.runtime.client_address import client_of
from services.runtime.limits import FairConcurrencyLimit


@dataclass(frozen=True)
class Moments:
    """When a request came and when its image was there, by ``perf_counter``."""

    started: float
    read: float

    def until_now_ms(self) -> tuple[float, float]:
        """Return the milliseconds until the image was there, and until now."""
        return (self.read - self.started) * 1e3, (perf_counter() - self.started) * 1e3


@dataclass(frozen=True)
class Caller:
    """Who sent an image.

    Attributes:
        request_id: Of the request, or of one message of a WebSocket.
        client: What it counts for.
    """

    request_id: str
    client: str

    @classmethod
    def of(cls, request: HTTPConnection) -> "Caller":
        """Return the caller of a request."""
        return cls(request.state.request_id, client_of(request))


@dataclass(frozen=True)
class Uploaded:
    """Has images analysed, all of them under one limit and counted in one place."""

    metrics: GatewayMetrics
    in_flight: FairConcurrencyLimit

    async def predict(
        self, parts: Running, image: bytes, media_type: str, caller: Caller, moments: Moments
    ) -> Prediction:
        """Return what is found in an image.

        Args:
            parts: The running gateway.
            image: As it came, not decoded.
            media_type: What the client says that it is.
            caller: Who sent it.
            moments: When it came.

        Raises:
            ProblemError: The image can't be used, a service fails, or too many requests are in flight.
        """
        with self.in_flight.slot(caller.client):
            analysis = await parts.pipeline.analyse(image, media_type, caller.request_id, parts.deadline())
        found = prediction(caller.request_id, UploadSource(), analysis, *moments.until_now_ms())
        self.metrics.observe(found)
        return found
