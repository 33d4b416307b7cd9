"""Stands for capture: publishes frames that were encoded beforehand, in capture's own way."""

import time
from collections.abc import Iterable

from bench.clip import FPS
from bench.face_scenes import HEIGHT, WIDTH
from services.capture.redis_publisher import RedisPublisher
from services.contracts.cameras import CameraState, CameraStatus
from services.contracts.frames import FrameMessage


def announce(publisher: RedisPublisher, cameras: Iterable[str]) -> None:
    """Say that the cameras are online.

    Raises:
        PublishError: Redis didn't take it.
    """
    status = CameraStatus(CameraState.ONLINE, "bench", FPS, WIDTH, HEIGHT, 0, 0, 0, "")
    publisher.announce(dict.fromkeys(cameras, status))


def publish(
    publisher: RedisPublisher,
    camera: str,
    jpeg: bytes,
    seq: int,
    grabbed_at: float,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> None:
    """Publish one frame.

    Args:
        publisher: Where it goes.
        camera: Whose it is.
        jpeg: The picture.
        seq: Its number.
        grabbed_at: When the camera would have had it, in monotonic seconds.
        size: The picture's width and height.

    Raises:
        PublishError: Redis didn't take it.
    """
    late_us = max(0, round((time.monotonic() - grabbed_at) * 1e6))
    message = FrameMessage(jpeg, round(time.time() * 1e6) - late_us, late_us, *size, seq)
    publisher.publish(camera, message)
