"""Frames and cameras as the gateway sees them, wherever they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.contracts.cameras import CameraStatus
from services.contracts.detection import Detection
from services.contracts.frames import FrameMessage
from services.contracts.geometry import Box


@dataclass(frozen=True)
class Deadline:
    """The moment by which something must be there.

    One is made for each request and handed to every service that the request waits for, so that slow
    ones share its time instead of adding up.

    Attributes:
        at_s: By this process's monotonic clock.
    """

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the moment that many seconds from now."""
        return cls(monotonic() + seconds)

    def capped(self, seconds: float) -> "Deadline":
        """Return the earlier one of this moment and that many seconds from now."""
        return Deadline(min(self.at_s, monotonic() + seconds))

    def reserve(self, seconds: float) -> "Deadline":
        """Return an earlier moment, which leaves that many seconds for what comes after."""
        return Deadline(self.at_s - seconds)

    def remaining_s(self) -> float:
        """Return the time until then; 0 once it has passed."""
        return max(0.0, self.at_s - monotonic())


@dataclass(frozen=True)
class Frame:
    """One frame, as read from the store.

    Attributes:
        frame_id: The entry id that the store gave it.
        message: What capture wrote.
        captured_at_us: Unix microseconds by the store's clock.
        age_at_read_ms: From the capture to the reading, by the store's clock.
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
        """Return the frame with an empty JPEG, for those who keep it after its picture was used."""
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
        status: Its last heartbeat; None if that has run out: its capture process is gone.
        newest: Its newest frame, if one is held and can be read.
        fault: Why its newest frame or its status can't be read, for people; empty if nothing is wrong.
    """

    camera: str
    status: CameraStatus | None
    newest: Frame | None
    fault: str = ""


@dataclass(frozen=True)
class ListedCamera:
    """A camera among all, read without its pictures.

    Attributes:
        camera: Its id.
        status: Its last heartbeat; None if that has run out or can't be read.
        age_at_read_ms: From the capture of its newest frame to the reading, by the store's clock; None if no frame
            is held.
        read_at_s: When it was read, by this process's monotonic clock.
        fault: Why its status can't be read, for people; empty if nothing is wrong.
    """

    camera: str
    status: CameraStatus | None
    age_at_read_ms: float | None
    read_at_s: float
    fault: str = ""

    def age_ms(self) -> float | None:
        """Return the newest frame's age now, in milliseconds; None if none is held."""
        if self.age_at_read_ms is None:
            return None
        return max(0.0, self.age_at_read_ms + (monotonic() - self.read_at_s) * 1e3)


class FrameStore(Protocol):
    """Where frames are kept. Every method raises ``ServiceError`` where the store fails or isn't done by then."""

    async def camera_ids(self, deadline: Deadline) -> list[str]:
        """Return the ids of the cameras that exist, sorted; at most 100, those with the newest heartbeats."""

    async def listed_cameras(self, deadline: Deadline) -> Sequence[ListedCamera]:
        """Return the same cameras with their statuses, by id. One that can't be read has a ``fault``."""

    async def known_camera(self, camera: str, deadline: Deadline) -> KnownCamera | None:
        """Return a camera with its newest frame; None if there is no such camera."""

    async def next_frame(self, camera: str, after: str, wait_s: float) -> Frame | None:
        """Return a camera's newest frame beyond the one with the id ``after``, once there is one.

        None where none comes in this time, which may be shortened to what the store allows.
        """

    async def ping(self) -> None:
        """Return if the store answers; raise if not."""


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
        """Return the faces, by then.

        Args:
            image: The image.
            media_type: What it is.
            request_id: For the logs.
            deadline: When the answer must be there.
            rois: Regions whose surroundings are searched, instead of the whole image; with a reference, faces that are
                tracked already.
            reference: That of an earlier answer about the same camera, to search only where the image differs; empty
                for the first request.

        Raises:
            ServiceError: The image can't be used, or the detector fails.
        """

    async def check(self) -> str:
        """Return what is found in a few words if the detector is ready; raise if not."""


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
        """Return the scores of float32 [n, 48, 48, 1] faces in [0, 1], by then; of the newest version if none is named.

        Raises:
            ServiceError: The model fails, or has no such version.
        """

    async def versions(self) -> tuple[int, ...]:
        """Return the versions that are available, the newest last; raise where the model can't be asked."""

    async def check(self) -> str:
        """Return what is found in a few words if the model is there; raise if not."""
