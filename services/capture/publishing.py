"""Where frames and statuses go. ``redis_publisher`` is the real one."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from services.contracts.cameras import CameraStatus
from services.contracts.frames import FrameMessage


class PublishError(Exception):
    """Redis can't be reached or refused; the message holds no password."""


class FramePublisher(Protocol):
    """Takes frames. Safe to share among threads; no call lasts longer than a few seconds."""

    def publish(self, camera: str, message: FrameMessage) -> None:
        """Make this the camera's newest frame.

        Raises:
            PublishError: It isn't.
        """


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


class Publisher(FramePublisher, StatusBoard, Protocol):
    """Both."""
