"""Camera names, and the status that capture keeps in Redis for each of its cameras."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.contracts.messages import MalformedMessage, finite

CAMERA_ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,31}$"

CAMERAS_KEY = "cameras"
"""Sorted set: camera → Unix seconds of its last heartbeat, by Redis's clock. A camera exists if it is in here."""

HEARTBEAT_INTERVAL_S = 1.0
STATUS_TTL_S = 5
"""A status that isn't renewed for this long is gone: its capture process no longer lives."""
FORGET_AFTER_S = 24 * 3600


class CameraState(StrEnum):
    """What capture says of a camera."""

    ONLINE = "online"
    WAITING = "waiting"
    """A recorded video whose frames nobody takes; it goes on as soon as somebody does."""
    RECONNECTING = "reconnecting"
    FAILED = "failed"
    ENDED = "ended"
    """A video file that has been played, and where it is a recorded one, taken to its last frame."""

    @property
    def has_frames(self) -> bool:
        """Whether frames are to be had."""
        return self in (CameraState.ONLINE, CameraState.WAITING)


def is_camera_id(text: str) -> bool:
    """Tell whether the text can name a camera."""
    return re.fullmatch(CAMERA_ID_PATTERN, text) is not None


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
        reconnects: How often the source was opened anew.
        last_error: The last thing that went wrong, or an empty string.
        recorded: Whether it is a recorded video, which waits for its frames to be taken.
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
    recorded: bool = False

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
            "recorded": str(int(self.recorded)),
        }

    @classmethod
    def decode(cls, fields: Mapping[bytes, bytes]) -> "CameraStatus":
        """Read the fields of the Redis hash.

        Raises:
            MalformedMessage: A field is missing or can't be read.
        """
        try:
            text = {name.decode(): value.decode() for name, value in fields.items()}
            return cls(
                state=CameraState(text["state"]),
                source=text["source"],
                fps=finite(float(text["fps"])),
                width=int(text["width"]),
                height=int(text["height"]),
                published=int(text["published"]),
                dropped=int(text["dropped"]),
                reconnects=int(text["reconnects"]),
                last_error=text["last_error"],
                recorded=text.get("recorded", "0") == "1",
            )
        except (KeyError, ValueError) as error:
            raise MalformedMessage(f"camera status: {error!r}") from error
