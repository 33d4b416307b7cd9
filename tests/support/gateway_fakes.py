"""Fakes for the gateway's three services: a few lines behind each Protocol."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from services.contracts.cameras import CameraState, CameraStatus
from services.contracts.detection import DetectedFace, Detection, DetectTimings, SearchScope
from services.contracts.frames import FrameMessage
from services.contracts.geometry import Box, ImageSize
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.dependencies import Clients
from services.gateway.protocols import Deadline, EmotionScores, Frame, KnownCamera, ListedCamera
from services.gateway.settings import GatewaySettings

ONLINE = CameraStatus(CameraState.ONLINE, "demo", 30.0, 1280, 720, 100, 2, 1, "")


def frame(frame_id: str = "1700000000000-0", age_ms: float = 40.0, jpeg: bytes = b"jpeg") -> Frame:
    message = FrameMessage(jpeg, 1_700_000_000_000_000, 1500, 1280, 720, 7)
    return Frame(frame_id, message, 1_700_000_000_000_000 - 1500, age_ms, monotonic())


def face(x: int = 10, weight: float = 5.0) -> DetectedFace:
    return DetectedFace(Box(x, 20, 100, 100), weight, 0.5, bytes([64]) * 48 * 48)


async def pass_time(seconds: float, deadline: Deadline, dependency: str) -> None:
    """Sleep for a time, at most until the deadline."""
    try:
        async with asyncio.timeout(deadline.remaining_s()):
            await asyncio.sleep(seconds)
    except TimeoutError as error:
        raise ServiceError(ProblemKind.DEPENDENCY_TIMEOUT, "too slow", dependency=dependency) from error


@dataclass
class FakeFrames:
    cameras: dict[str, KnownCamera] = field(default_factory=dict)
    error: Exception | None = None
    reads: int = 0
    listings: int = 0
    handed_out: int = 0
    delay_s: float = 0.0

    @classmethod
    def with_camera(cls, camera: str = "cam0", newest: Frame | None = None) -> "FakeFrames":
        return cls({camera: KnownCamera(camera, ONLINE, newest or frame())})

    async def camera_ids(self, deadline: Deadline) -> list[str]:
        await pass_time(self.delay_s, deadline, "redis")
        await self.ping()
        return sorted(self.cameras)

    async def listed_cameras(self, deadline: Deadline) -> list[ListedCamera]:
        self.listings += 1
        await pass_time(self.delay_s, deadline, "redis")
        await self.ping()
        return [
            ListedCamera(camera, known.status, known.newest.age_ms() if known.newest else None, monotonic())
            for camera, known in sorted(self.cameras.items())
        ]

    async def known_camera(self, camera: str, deadline: Deadline) -> KnownCamera | None:
        self.reads += 1
        await pass_time(self.delay_s, deadline, "redis")
        await self.ping()
        known = self.cameras.get(camera)
        if known is None or known.newest is None:
            return known
        # A store tells how old a frame is when it reads it; a machine that stood still since is no part of a test.
        return replace(known, newest=replace(known.newest, read_at_s=monotonic()))

    async def next_frame(self, camera: str, after: str, wait_s: float) -> Frame | None:
        """Return the camera's frame if it is another, whatever its id: as after a change of the store's clock."""
        await self.ping()
        deadline = monotonic() + wait_s
        while True:
            known = self.cameras.get(camera)
            newest = known.newest if known else None
            if newest is not None and newest.frame_id != after:
                self.handed_out += 1
                return newest
            if self.error or monotonic() >= deadline:
                await self.ping()
                return None
            await asyncio.sleep(0.001)

    async def ping(self) -> None:
        if self.error:
            raise self.error


@dataclass
class FakeDetector:
    faces: tuple[DetectedFace, ...] = (face(),)
    error: Exception | None = None
    images: list[bytes] = field(default_factory=list)
    delay_s: float = 0.0

    async def detect(
        self,
        image: bytes,
        media_type: str,  # noqa: ARG002
        request_id: str,  # noqa: ARG002
        deadline: Deadline,
        *,
        rois: Sequence[Box] = (),
        reference: str | None = None,  # noqa: ARG002
    ) -> Detection:
        self.images.append(image)
        await pass_time(self.delay_s, deadline, "detector")
        if self.error:
            raise self.error
        searched = SearchScope.ROI if rois else SearchScope.FULL
        return Detection(ImageSize(1280, 720), searched, self.faces, DetectTimings(1, 2, 3, 6))

    async def check(self) -> str:
        if self.error:
            raise self.error
        return "ready"


@dataclass
class FakeModel:
    probabilities: tuple[float, ...] = (0.05, 0.05, 0.05, 0.6, 0.05, 0.1, 0.1)
    error: Exception | None = None
    calls: int = 0
    delay_s: float = 0.0

    async def infer(self, faces: NDArray[np.float32], deadline: Deadline, version: int | None = None) -> EmotionScores:
        self.calls += 1
        if version not in (None, 3):
            raise ServiceError(ProblemKind.NOT_FOUND, f"The model has no version {version}")
        await pass_time(self.delay_s, deadline, "model")
        if self.error:
            raise self.error
        rows = np.tile(np.array(self.probabilities, np.float32), (len(faces), 1))
        return EmotionScores(rows, rows.max(axis=1) >= 0.5, "3")

    async def versions(self) -> tuple[int, ...]:
        await self.check()
        return (3,)

    async def check(self) -> str:
        if self.error:
            raise self.error
        return "version 3 is available"


@dataclass
class FakeServices:
    frames: FakeFrames = field(default_factory=FakeFrames.with_camera)
    detector: FakeDetector = field(default_factory=FakeDetector)
    model: FakeModel = field(default_factory=FakeModel)

    @asynccontextmanager
    async def open(self, _: GatewaySettings) -> AsyncIterator[Clients]:
        yield Clients(self.frames, self.detector, self.model)
