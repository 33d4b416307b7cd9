"""Where frames and statuses go. ``redis_publisher`` is the real one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.contracts.cameras import CameraStatus
from services.contracts.frames import FrameMessage
from services.contracts.recorded import Taken


class PublishError(Exception):
    """Redis can't be reached or refused; the message holds no password."""


class FramePublisher(Protocol):
    """Takes frames. Safe to share among threads; no call lasts longer than a few seconds."""

    def publish(self, camera: str, message: FrameMessage) -> None:
        """Make this the camera's newest frame.

        Raises:
            PublishError: It isn't.
        """


@dataclass(frozen=True)
class Published:
    """What became of a recorded video's frames.

    Attributes:
        held: Frames that the stream holds.
        taken: The last one that somebody took; None where nobody has.
    """

    held: int
    taken: Taken | None


class RecordedPublisher(FramePublisher, Protocol):
    """Takes a recorded video's frames and tells which were taken. Every method may raise ``PublishError``."""

    def begin(self, camera: str) -> None:
        """Forget the frames of earlier playings, and what was taken of them."""

    def look(self, camera: str) -> Published:
        """Tell what was taken, and renew the life of the frames."""

    def replace(self, camera: str, messages: Sequence[FrameMessage]) -> None:
        """Publish frames anew in the place of all that are held."""


class StatusBoard(Protocol):
    """Takes what is to be known of cameras. Safe to share among threads."""

    def announce(self, statuses: Mapping[str, CameraStatus]) -> None:
        """Renew the statuses of cameras, by id.

        Raises:
            PublishError: They aren't renewed.
        """

    def withdraw(self, cameras: Iterable[str]) -> None:
        """Remove the statuses of cameras that stop, so that they show as gone at once.

        Raises:
            PublishError: They run out by themselves instead.
        """

    def ping(self) -> None:
        """Look whether Redis answers.

        Raises:
            PublishError: It doesn't.
        """

    def close(self) -> None:
        """Close all connections."""


class Publisher(RecordedPublisher, StatusBoard, Protocol):
    """Both."""
