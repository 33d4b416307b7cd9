"""The facts that the doctor collects, and its findings."""

from dataclasses import dataclass
from enum import StrEnum

from emotion_client.errors import EmotionError
from emotion_client.results import Readiness
from services.contracts.cameras import CameraView

LINUX, MACOS, WINDOWS = "linux", "darwin", "win32"
"""Values of ``sys.platform``."""


@dataclass(frozen=True)
class CaptureFormat:
    """A format that a camera offers.

    Attributes:
        code: FourCC, such as ``MJPG``.
        width: Pixels, of the largest frame size.
        height: Pixels.
        fps: Highest frame rate; None if unknown.
    """

    code: str
    width: int
    height: int
    fps: float | None


@dataclass(frozen=True)
class Measurement:
    """The result of opening a camera for a moment.

    Attributes:
        problem: Why there was no frame; empty if there was one.
        first_ms: From opening the camera to the first frame.
        latency_ms: Age of a frame when it is read, if the driver stamps frames with a monotonic clock.
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
        name: Product name.
        source: As capture takes it: a path on Linux, elsewhere a number.
        allowed: Whether this user may open it.
        group: The group that may open it, on Linux.
        holders: Processes that have it open, as far as this user can see them.
        measurement: None if it wasn't opened.
    """

    name: str
    source: str
    allowed: bool = True
    group: str = ""
    holders: tuple[Holder, ...] = ()
    formats: tuple[CaptureFormat, ...] = ()
    measurement: Measurement | None = None


@dataclass(frozen=True)
class Host:
    """This machine.

    Attributes:
        system: Value of ``sys.platform``.
        has_opencv: Whether cameras can be measured.
        devices: The cameras.
        pending_groups: Groups that the user joined after logging in, so that they aren't effective yet.
    """

    system: str
    has_opencv: bool
    devices: tuple[Device, ...] = ()
    pending_groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Gateway:
    """The gateway as seen from this machine.

    Attributes:
        url: Its URL.
        is_local: Whether it runs on this machine.
        response_ms: Duration of ``GET /readyz``.
        readiness: The response of ``/readyz``, if there was one.
        cameras: Its cameras, if they could be listed.
        error: The error of the requests.
    """

    url: str
    is_local: bool
    response_ms: float = 0.0
    readiness: Readiness | None = None
    cameras: tuple[CameraView, ...] | None = None
    error: EmotionError | None = None


class Level(StrEnum):
    """Severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        subject: What was checked.
        detail: What was found.
        remedy: A command that fixes or examines the problem, or an empty string.
    """

    level: Level
    subject: str
    detail: str
    remedy: str = ""
