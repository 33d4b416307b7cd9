"""The gateway's answer to ``/cameras``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from services.contracts.messages import MalformedMessage, finite, optional, text, truth, whole

OFFLINE = "offline"
"""The state of a camera whose capture process has gone: nobody keeps its status."""


@dataclass(frozen=True)
class CameraView:
    """One camera, for clients.

    Attributes:
        id: Its name.
        state: ``online``, ``waiting``, ``reconnecting``, ``failed`` or ``ended``, as capture says; ``offline``
            without capture.
        source: Where its frames come from, credentials cut out.
        fps: Frames published a second.
        width: Pixels.
        height: Pixels.
        age_ms: Age of its newest frame, 0 for a recorded video's; null where none is held.
        published: Frames published since its capture started.
        dropped: Frames read and not published.
        reconnects: How often its source was opened anew.
        last_error: The last thing that went wrong, or an empty string.
        recorded: Whether it is a recorded video, which waits for its frames to be taken.
    """

    id: str
    state: str
    source: str
    fps: float
    width: int
    height: int
    age_ms: float | None
    published: int
    dropped: int
    reconnects: int
    last_error: str
    recorded: bool


@dataclass(frozen=True)
class CameraList:
    """All cameras, by name."""

    cameras: tuple[CameraView, ...]

    def encode(self) -> dict[str, Any]:
        """Return the answer's JSON object."""
        return asdict(self)

    @classmethod
    def decode(cls, answer: Mapping[str, Any]) -> "CameraList":
        """Read the answer's JSON object; fields it doesn't know are ignored.

        Raises:
            MalformedMessage: A field is missing or can't be read.
        """
        try:
            return cls(tuple(_camera(camera) for camera in answer["cameras"]))
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedMessage(f"cameras: {error!r}") from error


def _camera(camera: Mapping[str, Any]) -> CameraView:
    return CameraView(
        id=text(camera["id"]),
        state=text(camera["state"]),
        source=text(camera["source"]),
        fps=finite(camera["fps"]),
        width=whole(camera["width"]),
        height=whole(camera["height"]),
        age_ms=optional(finite, camera["age_ms"]),
        published=whole(camera["published"]),
        dropped=whole(camera["dropped"]),
        reconnects=whole(camera["reconnects"]),
        last_error=text(camera["last_error"]),
        recorded=truth(camera["recorded"]),
    )
