"""What requests find in a running gateway."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.gateway.camera_analysis import CameraAnalyses
from services.gateway.camera_frames import CameraFrames
from services.gateway.frames import FrameStore
from services.gateway.pipeline import Pipeline
from services.gateway.resources import Resources
from services.gateway.settings import GatewaySettings


@dataclass(frozen=True)
class Running:
    """The parts that live from start to stop."""

    store: FrameStore
    frames: CameraFrames
    analyses: CameraAnalyses
    pipeline: Pipeline


def run_parts(resources: Resources, settings: GatewaySettings) -> Running:
    """Build the parts on top of the open resources."""
    pipeline = Pipeline(resources.detector, resources.model)
    return Running(
        store=resources.frames,
        frames=CameraFrames(resources.frames, settings.max_frame_age_s),
        analyses=CameraAnalyses(pipeline),
        pipeline=pipeline,
    )


def running(request: Request) -> Running:
    """Return the parts of the gateway that a request came to."""
    parts = request.state.running
    assert isinstance(parts, Running)
    return parts


RunningParts = Annotated[Running, Depends(running)]
