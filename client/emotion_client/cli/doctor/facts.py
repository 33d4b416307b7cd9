"""What the doctor looks at."""

from dataclasses import dataclass
from enum import StrEnum

from emotion_client.errors import EmotionError
from emotion_client.results import Readiness
from services.contracts.cameras import CameraView

LINUX, MACOS, WINDOWS = "linux", "darwin", "win32"
"""Systems as ``sys.platform`` names them."""


@dataclass(frozen=True)
class PictureFormat:
    """A format that a camera offers.

    Attributes:
        code: Four letters, such as ``MJPG``.
        width: Pixels, of its largest picture.
        height: Pixels.
        fps: The most of them a second; None where the camera doesn't tell.
    """

    code: str
    width: int
    height: int
    fps: float | None


@dataclass(frozen=True)
class Measured:
    """What came of opening a camera for a moment.

    Attributes:
        problem: Why no picture came; empty if some did.
        first_ms: From opening it to its first picture.
        latency_ms: From the exposure to the program, where the driver tells; by its own clock.
    """

    problem: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    first_ms: float = 0.0
    latency_ms: float | None = None


@dataclass(frozen=True)
class Holder:
    """A process that has a camera open."""

    pid: int
    command: str


@dataclass(frozen=True)
class Device:
    """A camera of this machine.

    Attributes:
        name: As its maker calls it.
        source: As capture takes it: a path on Linux, else its number.
        allowed: Whether this user may open it.
        group: Who may, on Linux.
        holders: Who has it open, as far as this user may know.
        measured: None where it wasn't opened.
    """

    name: str
    source: str
    allowed: bool = True
    group: str = ""
    holders: tuple[Holder, ...] = ()
    formats: tuple[PictureFormat, ...] = ()
    measured: Measured | None = None


@dataclass(frozen=True)
class Host:
    """This machine.

    Attributes:
        system: As ``sys.platform`` names it.
        has_opencv: Whether cameras can be measured.
        devices: Its cameras.
        joined: Groups that the user was put into since logging in, which don't count yet.
    """

    system: str
    has_opencv: bool
    devices: tuple[Device, ...] = ()
    joined: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Gateway:
    """The gateway as seen from here.

    Attributes:
        url: Its address.
        is_here: Whether it runs on this machine.
        answer_ms: How long ``/readyz`` took.
        readiness: What that said; None if nothing.
        cameras: Its cameras; None where it didn't tell.
        error: What went wrong.
    """

    url: str
    is_here: bool
    answer_ms: float = 0.0
    readiness: Readiness | None = None
    cameras: tuple[CameraView, ...] | None = None
    error: EmotionError | None = None


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: What it is about.
        detail: What was found.
        remedy: The command that mends it, or an empty string.
    """

    level: Level
    subject: str
    detail: str
    remedy: str = ""
