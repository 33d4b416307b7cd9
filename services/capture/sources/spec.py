"""Parses sources, such as ``0``, ``/dev/video1``, ``rtsp://…``, ``film.mp4`` or ``demo``, and lists of cameras.

A label may follow any source. It is displayed in place of the source: ``rtsp://… | front door``.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from urllib.parse import unquote

from services.capture.redaction import redact_device, redact_path, redact_url, url_credentials
from services.contracts.cameras import CAMERA_ID_PATTERN, is_camera_id

URL_SCHEMES = ("rtsp", "rtsps", "http", "https")
MAX_LABEL_CHARACTERS = 100
MAX_WEBCAM_DIGITS = 3
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_ENTRY_END = re.compile(r",(?=[^,=/?&:@%]*=)")
"""A comma ends an entry only if a name and ``=`` follow it, since URLs may contain commas."""
_SCHEMES_TEXT = ", ".join(f"{scheme}://" for scheme in URL_SCHEMES)


class SourceKind(StrEnum):
    """The kind of a source, which determines how it is opened."""

    DEMO = "demo"
    WEBCAM = "webcam"
    DEVICE = "device"
    STREAM = "stream"
    FILE = "file"
    """A video file, played like a camera."""


@dataclass(frozen=True)
class SourceSpec:
    """One source.

    Attributes:
        kind: How it is opened.
        value: A webcam's number, a path or a URL. It may contain a password, so it isn't in the repr.
        label: The text that is displayed in its place, or an empty string.
    """

    kind: SourceKind
    value: str = field(repr=False)
    label: str = ""

    @property
    def display_name(self) -> str:
        """The text that may be displayed: the label, or else the redacted source."""
        if self.label:
            return self.label
        match self.kind:
            case SourceKind.STREAM:
                return redact_url(self.value)
            case SourceKind.FILE:
                return redact_path(self.value)
            case SourceKind.DEVICE:
                return redact_device(self.value)
            case SourceKind.DEMO | SourceKind.WEBCAM:
                return self.value

    @property
    def is_file(self) -> bool:
        """Whether it is a file, of which every frame can be read in order."""
        return self.kind is SourceKind.FILE

    @property
    def is_real_time(self) -> bool:
        """Whether reading blocks until the next frame; a file and the demo feed deliver one at any time."""
        return self.kind in (SourceKind.WEBCAM, SourceKind.DEVICE, SourceKind.STREAM)


def parse_source(text: str) -> SourceSpec:
    """Parse a source and its label, if it has one.

    Raises:
        ValueError: The source or the label is invalid. The message never repeats them.
    """
    value, label = split_label(text)
    source = _parse_unlabelled(value)
    if label:
        _check_label(label, source)
    return SourceSpec(source.kind, source.value, label)


def split_label(text: str) -> tuple[str, str]:
    """Split a text into a source and its label, which may be empty.

    Raises:
        ValueError: The text has a ``|`` that doesn't separate the two.
    """
    source, bar, label = text.strip().partition("|")
    if bar and not (source.endswith(" ") and label.startswith(" ") and label.strip() and "|" not in label):
        raise ValueError("a label must follow a | with a space on each side; in a URL, write | as %7C")
    return source.strip(), label.strip()


def _check_label(label: str, source: SourceSpec) -> None:
    if len(label) > MAX_LABEL_CHARACTERS or not label.isprintable() or any(mark in label for mark in "=@"):
        raise ValueError(f"a label may have up to {MAX_LABEL_CHARACTERS} printable characters, without = and @")
    if source.kind is not SourceKind.STREAM:
        return
    secrets = {form.casefold() for part in url_credentials(source.value) for form in (part, unquote(part))}
    if any(secret in label.casefold() for secret in secrets):
        raise ValueError("the label contains the user name or the password of the URL")


def _parse_unlabelled(value: str) -> SourceSpec:
    if not value:
        raise ValueError("the source is empty")
    scheme = _SCHEME.match(value)
    if scheme is None:
        kind = _kind(value)
        if kind is SourceKind.FILE and value.lower().startswith(tuple(f"{known}:" for known in URL_SCHEMES)):
            raise ValueError(f"a URL must begin with one of {_SCHEMES_TEXT}")
        if kind is SourceKind.WEBCAM and len(value) > MAX_WEBCAM_DIGITS:
            raise ValueError(f"a webcam number has at most {MAX_WEBCAM_DIGITS} digits")
        return SourceSpec(kind, value)
    if scheme[1].lower() not in URL_SCHEMES:
        raise ValueError(f"a URL must begin with one of {_SCHEMES_TEXT}")
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError("a URL can't contain spaces; write %20")
    # FFmpeg accepts schemes in lower case only.
    return SourceSpec(SourceKind.STREAM, scheme[0].lower() + value[scheme.end() :])


def _kind(value: str) -> SourceKind:
    if value == "demo":
        return SourceKind.DEMO
    if value.isascii() and value.isdecimal():
        return SourceKind.WEBCAM
    return SourceKind.DEVICE if value.startswith("/dev/") else SourceKind.FILE


@dataclass(frozen=True)
class CameraSpec:
    """A camera's id and its source."""

    camera_id: str
    source: SourceSpec

    def __str__(self) -> str:
        """Return the camera's id and the redacted source."""
        return f"{self.camera_id}={self.source.display_name}"


def parse_cameras(text: str) -> tuple[CameraSpec, ...]:
    """Parse a list of cameras such as ``cam0=0,door=rtsp://user:password@host/stream | front door``.

    Raises:
        ValueError: An entry is malformed or an id is used twice. Sources may contain passwords, so the message names
            an entry by its position or its id and never repeats a source.
    """
    entries = tuple(_parse_entry(entry, position) for position, entry in enumerate(_ENTRY_END.split(text), start=1))
    ids = [entry.camera_id for entry in entries]
    _reject_split_urls(entries)
    duplicates = sorted({camera_id for camera_id in ids if ids.count(camera_id) > 1})
    if duplicates:
        raise ValueError(f"duplicate camera id: {', '.join(duplicates)}")
    return entries


def _parse_entry(text: str, position: int) -> CameraSpec:
    camera_id, equals, source = (part.strip() for part in text.partition("="))
    if not equals or "://" in camera_id:
        raise ValueError(f"entry {position} is not of the form id=source")
    if not is_camera_id(camera_id):
        raise ValueError(
            f"entry {position}: an id must match {CAMERA_ID_PATTERN}; in a URL, write a comma before name= as %2C"
        )
    try:
        _reject_stray_comma(split_label(source)[0])
        return CameraSpec(camera_id, parse_source(source))
    except ValueError as error:
        raise ValueError(f"{camera_id}: {error}") from error


def _reject_stray_comma(source: str) -> None:
    """Reject ``cam0=0,1`` and ``cam0=0,``, which would otherwise be parsed as file names."""
    first, comma, rest = source.partition(",")
    if not comma:
        return
    if not first.strip() or not rest.strip() or parse_source(first).kind not in (SourceKind.STREAM, SourceKind.FILE):
        raise ValueError("expected id=source after the comma")


def _reject_split_urls(entries: tuple[CameraSpec, ...]) -> None:
    """Reject ``rtsp://user:pass,word=1@host``: its halves would be two cameras that display parts of the password."""
    for before, entry in pairwise(entries):
        halves = before.source.kind is SourceKind.STREAM and entry.source.kind is SourceKind.FILE
        if halves and "@" in entry.source.value:
            raise ValueError("in a URL, write a comma before name= as %2C")
