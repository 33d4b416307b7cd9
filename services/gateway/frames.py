"""Frames and cameras as the gateway sees them, wherever they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from services.contracts.cameras import CameraStatus
from services.contracts.frames import FrameMessage
from services.gateway.deadline import Deadline


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
    """Where frames are kept. Every method raises ``ProblemError`` where the store fails or isn't done by then."""

    async def camera_ids(self, by: Deadline) -> list[str]:
        """Return the ids of the cameras that exist, sorted; at most 100, those with the newest heartbeats."""

    async def listed_cameras(self, by: Deadline) -> Sequence[ListedCamera]:
        """Return the same cameras with their statuses, by id. One that can't be read has a ``fault``."""

    async def known_camera(self, camera: str, by: Deadline) -> KnownCamera | None:
        """Return a camera with its newest frame; None if there is no such camera."""

    async def next_frame(self, camera: str, after: str, wait_s: float) -> Frame | None:
        """Return a camera's newest frame beyond the one with the id ``after``, once there is one.

        None where none comes in this time, which may be shortened to what the store allows.
        """

    async def ping(self) -> None:
        """Return if the store answers; raise if not."""
