"""Frames and cameras as the gateway sees them, wherever they are kept."""

from dataclasses import dataclass
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
        frame_id: The entry id that the store gave it; a recorded video's frame has one that is the same in each
            playing.
        message: What capture wrote.
        captured_at_us: Unix microseconds by the store's clock; for a recorded video, microseconds since its start.
        age_at_read_ms: From the capture to the reading, by the store's clock; 0 for a recorded video.
        read_at_s: When it was read, by this process's monotonic clock.
    """

    frame_id: str
    message: FrameMessage
    captured_at_us: int
    age_at_read_ms: float
    read_at_s: float

    def age_ms(self) -> float:
        """Return the frame's age now, in milliseconds; never negative.

        A recorded video waits as long as it must, so its frames have no age: 0.
        """
        if self.message.recorded:
            return 0.0
        return max(0.0, self.age_at_read_ms + (monotonic() - self.read_at_s) * 1e3)

    def captured_at(self) -> str:
        """Return the time of capture as ISO 8601 in UTC with microseconds; a recorded video starts in 1970."""
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
        newest: Its newest frame, if one is held.
    """

    camera: str
    status: CameraStatus | None
    newest: Frame | None


class FrameStore(Protocol):
    """Where frames are kept. Every method raises ``ProblemError`` where the store fails or isn't done by then."""

    async def camera_ids(self, by: Deadline) -> list[str]:
        """Return the ids of all cameras that exist, sorted."""

    async def known_camera(self, camera: str, by: Deadline) -> KnownCamera | None:
        """Return a camera with its newest frame; None if there is no such camera."""

    async def next_frame(self, camera: str, after: str, wait_s: float) -> Frame | None:
        """Return a camera's newest frame beyond the one with the id ``after``, once there is one.

        None where none comes in this time, which may be shortened to what the store allows.
        """

    async def ping(self) -> None:
        """Return if the store answers; raise if not."""
