"""What requests find in a running gateway."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from services.gateway.camera_analysis import CameraAnalyses
from services.gateway.camera_frames import CameraFrames
from services.gateway.deadline import Deadline
from services.gateway.frames import FrameStore
from services.gateway.live.manager import LiveCameras
from services.gateway.metrics import LiveMetrics
from services.gateway.pipeline import Pipeline
from services.gateway.resources import Resources
from services.gateway.settings import GatewaySettings

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
