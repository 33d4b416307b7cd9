"""Camera ids, the status that capture keeps in Redis for each camera, and the gateway's answer to ``/cameras``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from services.contracts.frames import MAX_DELAY_US, MAX_SIDE_PX
from services.contracts.messages import (
    MAX_INT64,
    Count,
    Identifier,
    MalformedMessageError,
    decimal,
    decode_json,
    encode_json,
    member,
    number,
    required,
)
from services.contracts.text import replace_unprintable

CAMERA_ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,31}$"

CAMERAS_KEY = "cameras"
"""Sorted set: camera → Unix seconds of its last heartbeat, by Redis's clock. A camera exists if it is in here."""

HEARTBEAT_INTERVAL_S = 1.0
STATUS_TTL_S = 5
"""A status that isn't renewed for this long is gone: its capture process no longer lives."""
FORGET_AFTER_S = 24 * 3600

MAX_CAMERAS = 100
"""Most cameras that are listed: those with the newest heartbeats."""

MAX_FPS = 1000.0


class CameraState(StrEnum):
    """What capture says of a camera."""

    ONLINE = "online"
    RECONNECTING = "reconnecting"
    FAILED = "failed"
    FINISHED = "finished"
    """A video file that has been played to its end and is not looped."""

    @property
    def has_frames(self) -> bool:
        """Whether frames are to be had."""
        return self is CameraState.ONLINE


def is_camera_id(text: str) -> bool:
    """Tell whether the text can name a camera."""
    return re.fullmatch(CAMERA_ID_PATTERN, text) is not None


STATUS_FIELDS = (
    "state",
    "source",
    "fps",
    "width",
    "height",
    "published",
    "dropped",
    "reconnects",
    "last_error",
    "delay_us",
)
"""All fields of a status's hash; others are never read, since anybody who writes the hash may add millions."""


def status_key(camera: str) -> str:
    """Return the key of the hash that holds a camera's status."""
    return f"camera:{camera}"


@dataclass(frozen=True)
class CameraStatus:
    """A camera's heartbeat.

    Attributes:
        state: Whether frames come.
        source: Where frames come from, credentials cut out.
        fps: Frames published a second, measured over the last seconds.
        width: Pixels; 0 until the first frame.
        height: Pixels; 0 until the first frame.
        published: Frames written to Redis since capture started.
        dropped: Frames read from the camera and not published since capture started.
        reconnects: How often the source was reopened.
        last_error: The last thing that went wrong, or an empty string.
        delay_us: The ``delay_us`` of the last frame that was published.
    """

    state: CameraState
    source: str
    fps: float
    width: int
    height: int
    published: int
    dropped: int
    reconnects: int
    last_error: str
    delay_us: int = 0

    def encode(self) -> dict[str, str]:
        """Return the fields of the Redis hash."""
        return {
            "state": self.state.value,
            "source": self.source,
            "fps": f"{self.fps:.2f}",
            "width": str(self.width),
            "height": str(self.height),
            "published": str(self.published),
            "dropped": str(self.dropped),
            "reconnects": str(self.reconnects),
            "last_error": self.last_error,
            "delay_us": str(self.delay_us),
        }

    @classmethod
    def decode(cls, fields: Mapping[bytes, bytes]) -> "CameraStatus":
        """Read the fields of the Redis hash; of texts, what isn't printable is replaced.

        Raises:
            MalformedMessageError: A field is missing, or can't be read.
        """
        try:
            return cls(
                state=member(CameraState, required(fields, b"state")[:40].decode("ascii", "replace")),
                source=replace_unprintable(required(fields, b"source")),
                fps=decimal(fields, b"fps", MAX_FPS),
                width=number(fields, b"width", MAX_SIDE_PX),
                height=number(fields, b"height", MAX_SIDE_PX),
                published=number(fields, b"published", MAX_INT64),
                dropped=number(fields, b"dropped", MAX_INT64),
                reconnects=number(fields, b"reconnects", MAX_INT64),
                last_error=replace_unprintable(required(fields, b"last_error")),
                delay_us=number(fields, b"delay_us", MAX_DELAY_US) if b"delay_us" in fields else 0,
            )
        except MalformedMessageError as error:
            raise MalformedMessageError(f"camera status: {error}") from None


OFFLINE = "offline"
"""The state of a camera whose capture process has gone, so that its status has expired."""

MAX_LISTED = 10_000
"""Most cameras that a client reads, whatever a gateway of another version lists."""


@dataclass(frozen=True)
class CameraView:
    """One camera, for clients.

    Attributes:
        id: Its name.
        state: ``online``, ``reconnecting``, ``failed`` or ``finished``, as capture reports it; ``offline`` without
            capture.
        source: Where its frames come from, credentials cut out.
        fps: Frames published a second.
        width: Pixels.
        height: Pixels.
        age_ms: Age of its newest frame; null if none is held.
        published: Frames published since its capture started.
        dropped: Frames read and not published.
        reconnects: How often its source was reopened.
        last_error: The last thing that went wrong, or an empty string.
    """

    id: Identifier
    state: Identifier
    source: str
    fps: float
    width: Count
    height: Count
    age_ms: float | None
    published: Count
    dropped: Count
    reconnects: Count
    last_error: str


@dataclass(frozen=True)
class CameraList:
    """All cameras, by name."""

    cameras: Annotated[tuple[CameraView, ...], Meta(max_length=MAX_LISTED)]

    def to_json(self) -> bytes:
        """Return the answer as JSON."""
        return encode_json(self)

    @classmethod
    def from_json(cls, body: bytes | str) -> "CameraList":
        """Read the answer; unknown fields are ignored, and unprintable characters of texts are replaced.

        Raises:
            MalformedMessageError: It isn't JSON, or a field is missing or has an invalid value.
        """
        return cls(
            tuple(
                replace(
                    camera,
                    source=replace_unprintable(camera.source),
                    last_error=replace_unprintable(camera.last_error),
                )
                for camera in decode_json("cameras", body, cls).cameras
            )
        )
