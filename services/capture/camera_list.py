"""Reads the list of cameras: ``cam0=0,door=rtsp://user:password@host/stream | front door``."""

import re
from dataclasses import dataclass
from itertools import pairwise

from services.capture.source_spec import SourceKind, SourceSpec, parse_source, split_label
from services.contracts.cameras import CAMERA_ID_PATTERN, is_camera_id

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
