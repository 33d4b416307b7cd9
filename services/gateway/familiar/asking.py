"""Has an image analysed as ``POST /predict`` does, with the same limits, deadline and metrics."""

from dataclasses import dataclass
from time import perf_counter

from fastapi import Request

from services.contracts.prediction import Prediction, UploadSource
from services.contracts.problems import ProblemKind
from services.gateway.answer import prediction
from services.gateway.metrics import GatewayMetrics
from services.gateway.routes.predict import PredictLimits
from services.gateway.running import Running
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
        read = perf_counter()
        request_id = request.state.request_id
        with self.limits.in_flight.place():
            analysis = await parts.pipeline.analyse(image, ANY_IMAGE, request_id, parts.deadline())
        frame_ms, total_ms = (read - started) * 1e3, (perf_counter() - started) * 1e3
        answer = prediction(request_id, UploadSource(), analysis, frame_ms, total_ms)
        self.metrics.observe(answer)
        return answer
