"""Where frames come from: ``0``, ``/dev/video1``, ``rtsp://…``, ``film.mp4`` or ``demo``.

Behind any of them may follow a label, the text that is shown for it: ``rtsp://… | front door``.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from urllib.parse import unquote

from services.capture.redaction import public_address, public_device, public_file_name, user_info
from services.contracts.cameras import CAMERA_ID_PATTERN, is_camera_id

URL_SCHEMES = ("rtsp", "rtsps", "http", "https")
MAX_LABEL = 100
MAX_WEBCAM_DIGITS = 3
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCHEMES_TEXT = ", ".join(f"{scheme}://" for scheme in URL_SCHEMES)


class SourceKind(StrEnum):
    """What is opened, and so how."""

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
        value: A webcam's number, a path or a URL; may hold a password, hence not in the repr.
        label: What is shown in its place; empty where none was given.
    """

    kind: SourceKind
    value: str = field(repr=False)
    label: str = ""

    @property
    def public_text(self) -> str:
        """The source as people may see it: its label, else what is known to hold no secret."""
        if self.label:
            return self.label
        match self.kind:
            case SourceKind.STREAM:
                return public_address(self.value)
            case SourceKind.FILE:
                return public_file_name(self.value)
            case SourceKind.DEVICE:
                return public_device(self.value)
            case SourceKind.DEMO | SourceKind.WEBCAM:
                return self.value

    @property
    def is_live(self) -> bool:
        """Whether frames go by whether we take them or not; a file waits for us."""
        return self.kind is not SourceKind.FILE

    @property
    def has_own_pace(self) -> bool:
        """Whether reading waits for the next frame; a file and the demo feed give frames as fast as asked."""
        return self.kind in (SourceKind.WEBCAM, SourceKind.DEVICE, SourceKind.STREAM)


def parse_source(text: str) -> SourceSpec:
    """Read a source, and its label if it has one, from what a person typed.

    Raises:
        ValueError: Empty, a URL that can't be read, or a label that can't be used; the message never repeats the text.
    """
    value, label = split_label(text)
    source = _unlabelled(value)
    if label:
        _check_label(label, source)
    return SourceSpec(source.kind, source.value, label)


def split_label(text: str) -> tuple[str, str]:
    """Return a source and its label, which is empty where there is none.

    Raises:
        ValueError: A ``|`` stands anywhere else than between the two.
    """
    source, bar, label = text.strip().partition("|")
    if bar and not (source.endswith(" ") and label.startswith(" ") and label.strip() and "|" not in label):
        raise ValueError("the text to show follows a bar with a space on each side; in a URL a bar is written %7C")
    return source.strip(), label.strip()


def _check_label(label: str, source: SourceSpec) -> None:
    if len(label) > MAX_LABEL or not label.isprintable() or any(mark in label for mark in "=@"):
        raise ValueError(f"the text to show may have {MAX_LABEL} printable characters, none of them = or @")
    if source.kind is not SourceKind.STREAM:
        return
    secrets = {form.casefold() for part in user_info(source.value) for form in (part, unquote(part))}
    if any(secret in label.casefold() for secret in secrets):
        raise ValueError("the text to show repeats the user or the password of its URL")


def _unlabelled(value: str) -> SourceSpec:
    if not value:
        raise ValueError("the source is empty")
    scheme = _SCHEME.match(value)
    if scheme is None:
        kind = _kind(value)
        if kind is SourceKind.FILE and value.lower().startswith(tuple(f"{known}:" for known in URL_SCHEMES)):
            raise ValueError(f"a URL must begin with one of {_SCHEMES_TEXT}")
        if kind is SourceKind.WEBCAM and len(value) > MAX_WEBCAM_DIGITS:
            raise ValueError(f"a webcam's number has at most {MAX_WEBCAM_DIGITS} digits")
        return SourceSpec(kind, value)
    if scheme[1].lower() not in URL_SCHEMES:
        raise ValueError(f"a URL must begin with one of {_SCHEMES_TEXT}")
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError("a URL holds no spaces; write %20")
    # FFmpeg knows schemes in small letters only.
    return SourceSpec(SourceKind.STREAM, scheme[0].lower() + value[scheme.end() :])


def _kind(value: str) -> SourceKind:
    if value == "demo":
        return SourceKind.DEMO
    if value.isascii() and value.isdecimal():
        return SourceKind.WEBCAM
    return SourceKind.DEVICE if value.startswith("/dev/") else SourceKind.FILE


# A comma ends an entry only where a name and `=` follow it, since URLs may hold commas.
_ENTRY_END = re.compile(r",(?=[^,=/?&:@%]*=)")

_MAY_HOLD_COMMAS = (SourceKind.STREAM, SourceKind.FILE)


@dataclass(frozen=True)
class NamedSource:
    """A camera's id and where its frames come from."""

    camera: str
    source: SourceSpec

    def __str__(self) -> str:
        """Return the camera's id and what is shown of its source."""
        return f"{self.camera}={self.source.public_text}"


def parse_cameras(text: str) -> tuple[NamedSource, ...]:
    """Read all cameras, in the order given.

    Raises:
        ValueError: An entry is malformed or an id is used twice. Sources may hold passwords, so the
            message names an entry by its place or its id and never repeats a source.
    """
    entries = tuple(_parse_entry(entry, place) for place, entry in enumerate(_ENTRY_END.split(text), start=1))
    names = [entry.camera for entry in entries]
    _refuse_split_urls(entries)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"used more than once: {', '.join(twice)}")
    return entries


def _parse_entry(text: str, place: int) -> NamedSource:
    camera, equals, source = (part.strip() for part in text.partition("="))
    if not equals or "://" in camera:
        raise ValueError(f"entry {place} is not of the form id=source")
    if not is_camera_id(camera):
        raise ValueError(
            f"entry {place}: an id must match {CAMERA_ID_PATTERN}; in a URL, write a comma before name= as %2C"
        )
    try:
        _refuse_stray_comma(split_label(source)[0])
        return NamedSource(camera, parse_source(source))
    except ValueError as error:
        raise ValueError(f"{camera}: {error}") from error


def _refuse_stray_comma(source: str) -> None:
    """Catch ``cam0=0,1`` and ``cam0=0,``, which would else be read as files of strange names."""
    first, comma, rest = source.partition(",")
    if not comma:
        return
    if not first.strip() or not rest.strip() or parse_source(first).kind not in _MAY_HOLD_COMMAS:
        raise ValueError("after a comma comes the next id=source")


def _refuse_split_urls(entries: tuple[NamedSource, ...]) -> None:
    """Catch ``rtsp://user:pass,word=1@host``: its two halves would be two cameras, shown with parts of the password."""
    for before, entry in pairwise(entries):
        halves = before.source.kind is SourceKind.STREAM and entry.source.kind is SourceKind.FILE
        if halves and "@" in entry.source.value:
            raise ValueError("in a URL, write a comma before name= as %2C")
