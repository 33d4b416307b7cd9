"""The gateway's answer to ``/cameras``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from services.contracts.messages import (
    explained,
    finite,
    natural,
    optional,
    several,
    shown,
    text,
)

OFFLINE = "offline"
"""The state of a camera whose capture process has gone: nobody keeps its status."""

MAX_LISTED = 10_000
"""Most cameras that a client reads, whatever a gateway of another version lists."""


@dataclass(frozen=True)
class CameraView:
    """One camera, for clients.

    Attributes:
        id: Its name.
        state: ``online``, ``reconnecting``, ``failed`` or ``ended``, as capture says; ``offline``
            without capture.
        source: Where its frames come from, credentials cut out.
        fps: Frames published a second.
        width: Pixels.
        height: Pixels.
        age_ms: Age of its newest frame; null if none is held.
        published: Frames published since its capture started.
        dropped: Frames read and not published.
        reconnects: How often its source was opened anew.
        last_error: The last thing that went wrong, or an empty string.
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
            return cls(several(_camera, answer["cameras"], MAX_LISTED))
        except (KeyError, TypeError, ValueError) as error:
            raise explained("cameras", error) from None


def _camera(camera: Mapping[str, Any]) -> CameraView:
    return CameraView(
        id=text(camera["id"]),
        state=text(camera["state"]),
        source=shown(camera["source"]),
        fps=finite(camera["fps"]),
        width=natural(camera["width"]),
        height=natural(camera["height"]),
        age_ms=optional(finite, camera["age_ms"]),
        published=natural(camera["published"]),
        dropped=natural(camera["dropped"]),
        reconnects=natural(camera["reconnects"]),
        last_error=shown(camera["last_error"]),
    )
