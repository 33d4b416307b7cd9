"""Where frames come from: ``0``, ``/dev/video1``, ``rtsp://…``, ``film.mp4``, ``recorded:film.mp4`` or ``demo``."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from services.capture.credentials import cut_credentials

URL_SCHEMES = ("rtsp", "rtsps", "http", "https")
RECORDED_PREFIX = "recorded:"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class SourceKind(StrEnum):
    """What is opened, and so how."""

    DEMO = "demo"
    WEBCAM = "webcam"
    DEVICE = "device"
    STREAM = "stream"
    FILE = "file"
    """A video played like a camera, in its own time: who is late misses frames."""
    RECORDED = "recorded"
    """A video of which every frame counts: it waits until each was taken."""


@dataclass(frozen=True)
class SourceSpec:
    """One source.

    Attributes:
        kind: How it is opened.
        value: A webcam's number, a path or a URL; may hold a password, hence not in the repr.
    """

    kind: SourceKind
    value: str = field(repr=False)

    @property
    def public_text(self) -> str:
        """The source as people may see it, credentials cut out."""
        prefix = RECORDED_PREFIX if self.kind is SourceKind.RECORDED else ""
        return prefix + cut_credentials(self.value)

    def without_credentials(self, text: str) -> str:
        """Return a text, such as an error's, without this source's credentials or any others."""
        return cut_credentials(text.replace(self.value, cut_credentials(self.value)))

    @property
    def is_live(self) -> bool:
        """Whether frames go by whether we take them or not; a file waits for us."""
        return self.kind not in (SourceKind.FILE, SourceKind.RECORDED)

    @property
    def has_own_pace(self) -> bool:
        """Whether reading waits for the next frame; a file and the demo feed give frames as fast as asked."""
        return self.kind in (SourceKind.WEBCAM, SourceKind.DEVICE, SourceKind.STREAM)


def parse_source(text: str) -> SourceSpec:
    """Read a source from what a person typed.

    Raises:
        ValueError: Empty, or a URL that we can't read; the message never repeats the text.
    """
    value = text.strip()
    if value.startswith(RECORDED_PREFIX):
        return _recorded(value.removeprefix(RECORDED_PREFIX).strip())
    if not value:
        raise ValueError("the source is empty")
    scheme = _SCHEME.match(value)
    if scheme and scheme[1].lower() not in URL_SCHEMES:
        raise ValueError(f"{scheme[1]}:// is not one of {', '.join(f'{known}://' for known in URL_SCHEMES)}")
    if scheme and re.search(r"\s", value):
        raise ValueError("a URL holds no spaces; write %20")
    return SourceSpec(_kind(value, is_url=scheme is not None), value)


def _recorded(path: str) -> SourceSpec:
    if not path or _kind(path, is_url=_SCHEME.match(path) is not None) is not SourceKind.FILE:
        raise ValueError(f"after {RECORDED_PREFIX} comes the path of a video file")
    return SourceSpec(SourceKind.RECORDED, path)


def _kind(value: str, is_url: bool) -> SourceKind:
    if is_url:
        return SourceKind.STREAM
    if value == "demo":
        return SourceKind.DEMO
    if value.isascii() and value.isdecimal():
        return SourceKind.WEBCAM
    return SourceKind.DEVICE if value.startswith("/dev/") else SourceKind.FILE
