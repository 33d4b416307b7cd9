"""Live sessions over fakes: tests show frames one by one, and can block or break the services."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from services.contracts.detection import DetectedFace, Detection, DetectTimings, SearchScope
from services.contracts.frames import FrameMessage
from services.contracts.geometry import Box, ImageSize, iou
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.analysis.cameras import CameraService
from services.gateway.analysis.pipeline import Pipeline
from services.gateway.live.broadcast import Subscriber
from services.gateway.live.manager import LiveManager
from services.gateway.metrics import LiveMetrics
from services.gateway.protocols import Deadline, EmotionScores, Frame, KnownCamera
from services.gateway.settings import GatewaySettings
from services.runtime.clock import Clock
from tests.support.gateway_fakes import ONLINE, FakeFrames, FakeModel

DEFAULT_TIMEOUT_S = 30.0
FIRST_MS = 1_700_000_000_000
FACE = Box(100, 100, 100, 100)
OTHER_FACE = Box(800, 300, 120, 120)


def frame_id(number: int) -> str:
    return f"{FIRST_MS + 33 * number}-0"


def numbered_frame(number: int, age_ms: float = 40.0) -> Frame:
    message = FrameMessage(f"jpeg {number}".encode(), 0, 0, 1280, 720, number)
    return Frame(frame_id(number), message, (FIRST_MS + 33 * number) * 1000, age_ms, monotonic())


@dataclass
class RecordingDetector:
    """Finds the faces that there are; it waits while its gate is closed.

    It finds all of them, those near the hints, or those that an overview doesn't have. That has what was there and what
    was overlooked.
    """

    boxes: list[Box] = field(default_factory=lambda: [FACE])
    error: Exception | None = None
    requests: list[tuple[bytes, tuple[Box, ...]]] = field(default_factory=list)
    overlooked: list[Box] = field(default_factory=list)
    scopes: list[SearchScope] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def detect(
        self,
        image: bytes,
        media_type: str,  # noqa: ARG002
        request_id: str,  # noqa: ARG002
        deadline: Deadline,
        *,
        rois: Sequence[Box] = (),
        reference: str | None = None,
    ) -> Detection:
        self.requests.append((image, tuple(rois)))
        await passed(self.gate, deadline, "detector")
        if self.error:
            raise self.error
        if reference is None:
            scope = SearchScope.ROI if rois else SearchScope.FULL
            found = [box for box in self.boxes if not rois or any(iou(box, roi) > 0 for roi in rois)]
        else:
            scope = SearchScope.CHANGED if reference else SearchScope.FULL
            found = [box for box in self.boxes if str(box) not in reference]
        self.scopes.append(scope)
        pixels = bytes([64]) * 48 * 48
        faces = tuple(DetectedFace(box, 5.0, 0.5, pixels) for box in found)
        seen = None if reference is None else f"{self.boxes} {self.overlooked}"
        return Detection(ImageSize(1280, 720), scope, faces, DetectTimings(1, 2, 3, 6), seen)

    async def check(self) -> str:
        return "ready"

    @property
    def full_searches(self) -> int:
        return self.scopes.count(SearchScope.FULL)


class GatedModel(FakeModel):
    """A model that waits while its gate is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()

    async def infer(self, faces: NDArray[np.float32], deadline: Deadline, version: int | None = None) -> EmotionScores:
        await passed(self.gate, deadline, "model")
        return await super().infer(faces, deadline, version)


async def passed(gate: asyncio.Event, deadline: Deadline, dependency: str) -> None:
    """Wait until the gate is open, as long as there is time."""
    try:
        async with asyncio.timeout(deadline.remaining_s()):
            await gate.wait()
    except TimeoutError as error:
        raise ServiceError(ProblemKind.DEPENDENCY_TIMEOUT, "too slow", dependency=dependency) from error


class LiveHarness:
    """The live sessions of one camera, ``cam0``, over fakes."""

    def __init__(self, clock: Clock, **settings: object) -> None:
        self.store = FakeFrames()
        self.detector = RecordingDetector()
        self.model = GatedModel()
        self.registry = CollectorRegistry()
        frames = CameraService(self.store, max_frame_age_s=2.0)
        pipeline = Pipeline(self.detector, self.model)
        chosen = GatewaySettings.model_validate(settings)
        self.live = LiveManager(self.store, frames, pipeline, chosen, LiveMetrics(self.registry), clock)

    def show(self, number: int) -> None:
        """Let a frame be the camera's newest."""
        self.store.cameras["cam0"] = KnownCamera("cam0", ONLINE, numbered_frame(number))

    async def show_and_see(self, number: int, *viewers: Subscriber) -> list[dict[str, Any]]:
        """Show a frame and return its result, as each viewer gets it."""
        self.show(number)
        return [await result_of(viewer, number) for viewer in viewers]

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def live_harness(clock: Clock = monotonic, **settings: object) -> AsyncIterator[LiveHarness]:
    """Start a harness that shows frame 0; at the end no task of it may run on."""
    before = asyncio.all_tasks()
    opened = LiveHarness(clock, **settings)
    opened.show(0)
    try:
        yield opened
    finally:
        await opened.live.close()
    await eventually(lambda: asyncio.all_tasks() <= before, "all tasks to end")


async def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = monotonic() + DEFAULT_TIMEOUT_S
    while not condition():
        assert monotonic() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.002)


async def next_object(viewer: Subscriber) -> dict[str, Any]:
    message = await viewer.get(DEFAULT_TIMEOUT_S)
    assert message is not None, "nothing came"
    content: dict[str, Any] = json.loads(message.text)
    assert content["event"] == message.event
    return content


async def next_status(viewer: Subscriber) -> dict[str, Any]:
    while True:
        message = await next_object(viewer)
        if message["event"] == "status":
            return message


async def result_of(viewer: Subscriber, number: int) -> dict[str, Any]:
    """Return the result of a frame, passing over those before it."""
    while True:
        message = await next_object(viewer)
        if message["event"] == "result":
            if message["source"]["frame_id"] == frame_id(number):
                return message
            assert message["source"]["frame_id"] < frame_id(number), f"{number} was passed over"


def number_of(result: dict[str, Any]) -> int:
    return (int(result["source"]["frame_id"].partition("-")[0]) - FIRST_MS) // 33
