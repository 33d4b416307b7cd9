"""What the client asks: the gateway's requests, as plain values."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import quote

Image = bytes | bytearray | memoryview | str | os.PathLike[str] | IO[bytes]
"""An encoded image (JPEG, PNG or WebP): its bytes, the path of its file, or a file opened for reading bytes."""

ANY_IMAGE = "application/octet-stream"
"""The gateway recognises the format by the image's bytes."""


MAX_JSON_BYTES = 2 * 1024 * 1024
"""The largest answer in JSON; one with a hundred faces has 40 kB."""
MAX_FRAME_BYTES = 20 * 1024 * 1024
"""The largest picture of a camera; the system's own limit is 16 MiB."""


@dataclass(frozen=True)
class Ask:
    """One request. All are safe to send twice: a prediction changes nothing.

    Attributes:
        accepts: Statuses that are an answer besides 200.
        max_bytes: The largest answer that is read.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    accepts: frozenset[int] = frozenset()
    max_bytes: int = MAX_JSON_BYTES


def ask_prediction(image: Image | None, camera: str | None) -> Ask:
    """Ask for the emotion in an image, or in a camera's newest frame; without either, in the only camera's.

    Raises:
        TypeError: Both are given, or the image is none.
        OSError: The image's file can't be read.
    """
    if image is None:
        return Ask("GET", "/predict", {"camera": camera} if camera is not None else {})
    if camera is not None:
        raise TypeError("Give an image or a camera, not both")
    return Ask("POST", "/predict", headers={"Content-Type": ANY_IMAGE}, content=image_bytes(image))


def ask_frame(camera: str) -> Ask:
    """Ask for a camera's newest frame."""
    return Ask("GET", f"/cameras/{_segment(camera)}/frame.jpg", max_bytes=MAX_FRAME_BYTES)


def ask_events(camera: str, fps: float | None, last_id: str | None) -> Ask:
    """Ask for a camera's feed, from after the frame whose result came last."""
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    return Ask("GET", f"/cameras/{_segment(camera)}/events", {} if fps is None else {"fps": f"{fps:g}"}, headers)


ASK_CAMERAS = Ask("GET", "/cameras")
ASK_SERVICES = Ask("GET", "/services")
ASK_READINESS = Ask("GET", "/readyz", accepts=frozenset({503}))


def image_bytes(image: Image) -> bytes:
    """Return an image's bytes.

    Raises:
        TypeError: It is none of the kinds that an image may be.
        OSError: Its file can't be read.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | os.PathLike):
        with open(image, "rb") as file:
            return file.read()
    data = image.read() if hasattr(image, "read") else None
    if not isinstance(data, bytes):
        raise TypeError("An image is bytes, a path, or a file opened in binary mode")
    return data


def _segment(name: str) -> str:
    """Return a name as one segment of a path; a dot alone would mean another path."""
    return quote(name, safe="").replace(".", "%2E")
