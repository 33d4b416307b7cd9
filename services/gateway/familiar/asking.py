"""Has an image analysed as ``POST /predict`` does, with the same limits, deadline and metrics."""

from dataclasses import dataclass
from time import perf_counter

from fastapi import Request

from services.contracts.prediction import Prediction
from services.contracts.problems import ProblemKind
from services.gateway.metrics import GatewayMetrics
from services.gateway.routes.predict import PredictLimits
from services.gateway.running import Running
from services.gateway.uploaded import Caller, Moments, Uploaded
from services.gateway.uploads import ANY_IMAGE
from services.runtime.problems import ProblemError


@dataclass(frozen=True)
class Asking:
    """What the routes of all familiar APIs share with ``/predict``."""

    metrics: GatewayMetrics
    limits: PredictLimits

    async def predict(self, request: Request, parts: Running, image: bytes, started: float) -> Prediction:
        """Return what is found in an image.

        Args:
            request: The client's.
            parts: The running gateway.
            image: As it came, not decoded.
            started: When the request came, by ``perf_counter``.

        Raises:
            ProblemError: The image can't be used, a service fails, or too many requests are in flight.
        """
        if not image:
            raise ProblemError(ProblemKind.INVALID_IMAGE, "The image is empty")
        moments = Moments(started, perf_counter())
        uploaded = Uploaded(self.metrics, self.limits.in_flight)
        return await uploaded.predict(parts, image, ANY_IMAGE, Caller.of(request), moments)
