"""Interfaces of the frame store, the detector and the model, and the values that they exchange."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.contracts.cameras import CameraStatus
from services.contracts.detection import Detection
from services.contracts.frames import FrameMessage
from services.contracts.geometry import Box
from services.runtime.clock import Clock


@dataclass(frozen=True)
class Deadline:
    """The time by which a request must be answered. All services that the request waits for share it.

    Attributes:
        at_s: By the clock.
        clock: Monotonic seconds.
    """

    at_s: float
    clock: Clock = field(default=monotonic, repr=False, compare=False)

    @classmethod
    def after(cls, seconds: float, clock: Clock = monotonic) -> "Deadline":
        """Return the deadline that many seconds from now."""
        return cls(clock() + seconds, clock)

    def capped(self, seconds: float) -> "Deadline":
        """Return this deadline, but at most that many seconds from now."""
        return replace(self, at_s=min(self.at_s, self.clock() + seconds))

    def reserve(self, seconds: float) -> "Deadline":
        """Return an earlier deadline, which reserves that many seconds for later steps."""
        return replace(self, at_s=self.at_s - seconds)

    def remaining_s(self) -> float:
        """Return the seconds until the deadline; 0 after it."""
        return max(0.0, self.at_s - self.clock())


@dataclass(frozen=True)
class Frame:
    """One frame, as read from the store.

    Attributes:
        frame_id: The entry id in the store.
        message: The message of the capture service.
        captured_at_us: Time of capture, in Unix microseconds by the store's clock.
        age_at_read_ms: Age when it was read, by the store's clock.
        read_at_s: When it was read, by this process's monotonic clock.
    """

    frame_id: str
    message: FrameMessage
    captured_at_us: int
    age_at_read_ms: float
    read_at_s: float

    def age_ms(self) -> float:
        """Return the frame's age now, in milliseconds; never negative."""
        return max(0.0, self.age_at_read_ms + (monotonic() - self.read_at_s) * 1e3)

    def without_picture(self) -> "Frame":
        """Return the frame with an empty JPEG, to keep it after its picture was used."""
        return replace(self, message=replace(self.message, jpeg=b""))

    def captured_at(self) -> str:
        """Return the time of capture as ISO 8601 in UTC with microseconds."""
        return (
            datetime.fromtimestamp(self.captured_at_us / 1e6, UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z")
        )


@dataclass(frozen=True)
class KnownCamera:
    """A camera that has registered.

    Attributes:
        camera: Its id.
        status: Its last heartbeat; None if that has expired, since the capture process has gone.
        newest: Its newest frame, if the store has one that is valid.
        fault: Why its newest frame or its status is invalid; empty if both are valid.
    """

    camera: str
    status: CameraStatus | None
    newest: Frame | None
    fault: str = ""


@dataclass(frozen=True)
class ListedCamera:
    """A camera in the list of all cameras, read without its frames.

    Attributes:
        camera: Its id.
        status: Its last heartbeat; None if that has expired or is invalid.
        age_at_read_ms: Age of its newest frame when it was read, by the store's clock; None without a frame.
        read_at_s: When it was read, by this process's monotonic clock.
        fault: Why its status is invalid; empty if it is valid.
    """

    camera: str
    status: CameraStatus | None
    age_at_read_ms: float | None
    read_at_s: float
    fault: str = ""

    def age_ms(self) -> float | None:
        """Return the newest frame's age now, in milliseconds; None without a frame."""
        if self.age_at_read_ms is None:
            return None
        return max(0.0, self.age_at_read_ms + (monotonic() - self.read_at_s) * 1e3)


class FrameStore(Protocol):
    """Stores frames. Every method raises ``ServiceError`` if the store fails or the deadline passes."""

    async def camera_ids(self, deadline: Deadline) -> list[str]:
        """Return the ids of the cameras that exist, sorted; at most 100, those with the newest heartbeats."""

    async def listed_cameras(self, deadline: Deadline) -> Sequence[ListedCamera]:
        """Return the cameras with their statuses, by id. An invalid status is a ``fault``."""

    async def known_camera(self, camera: str, deadline: Deadline) -> KnownCamera | None:
        """Return a camera with its newest frame; None if there is no such camera."""

    async def next_frame(self, camera: str, after: str, wait_s: float) -> Frame | None:
        """Wait for a frame newer than the one with the id ``after``, and return the newest.

        Returns None if none arrives in this time, which the store may shorten.
        """

    async def ping(self) -> None:
        """Return if the store answers."""


class FaceDetector(Protocol):
    """Finds the faces of an image."""

    async def detect(
        self,
        image: bytes,
        media_type: str,
        request_id: str,
        deadline: Deadline,
        *,
        rois: Sequence[Box] = (),
        reference: str | None = None,
    ) -> Detection:
        """Return the faces.

        Args:
            image: The image.
            media_type: Its media type.
            request_id: For the logs.
            deadline: Limit for the answer.
            rois: Regions whose surroundings are searched, instead of the whole image; with a reference, faces that are
                tracked already.
            reference: That of an earlier answer about the same camera, to search only where the image differs; empty
                for the first request.

        Raises:
            ServiceError: The image can't be used, or the detector fails.
        """

    async def check(self) -> str:
        """Return a short description if the detector is ready; raise if not."""


@dataclass(frozen=True, eq=False)
class EmotionScores:
    """The model's answer for the faces of one image.

    Attributes:
        probabilities: float32 [n, 7], in the order of ``EMOTIONS``.
        reliable: bool [n], whether the top probability is above the model's own threshold.
        version: The version of the model that answered.
    """

    probabilities: NDArray[np.float32]
    reliable: NDArray[np.bool_]
    version: str


class EmotionModel(Protocol):
    """Infers the emotions of faces."""

    async def infer(self, faces: NDArray[np.float32], deadline: Deadline, version: int | None = None) -> EmotionScores:
        """Return the scores of float32 [n, 48, 48, 1] faces in [0, 1], by the newest version if none is given.

        Raises:
            ServiceError: The model fails, or has no such version.
        """

    async def versions(self) -> tuple[int, ...]:
        """Return the available versions, the newest last."""

    async def check(self) -> str:
        """Return a short description if a version is available; raise if not."""
