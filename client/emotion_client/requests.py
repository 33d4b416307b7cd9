"""The gateway's requests as plain values."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import quote

Image = bytes | bytearray | memoryview | str | os.PathLike[str] | IO[bytes]
"""An encoded image (JPEG, PNG or WebP): its bytes, the path of a file, or a file opened in binary mode."""

ANY_IMAGE = "application/octet-stream"
"""The gateway detects the format from the bytes."""

MAX_JSON_BYTES = 2 * 1024 * 1024
"""A JSON response with a hundred faces has 40 kB."""
MAX_FRAME_BYTES = 20 * 1024 * 1024
"""The system itself allows camera images of 16 MiB."""


@dataclass(frozen=True)
class RequestSpec:
    """One request. Every request is safe to repeat: none changes anything on the gateway.

    Attributes:
        accepted_statuses: Statuses other than 200 whose body is a result.
        max_bytes: Largest response body that is read.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    accepted_statuses: frozenset[int] = frozenset()
    max_bytes: int = MAX_JSON_BYTES


CAMERAS_REQUEST = RequestSpec("GET", "/cameras")
SERVICES_REQUEST = RequestSpec("GET", "/services")
READINESS_REQUEST = RequestSpec("GET", "/readyz", accepted_statuses=frozenset({503}))


def predict_request(image: Image | None, camera: str | None) -> RequestSpec:
    """Return the request for an image or for a camera's newest frame; without either, for the only camera.

    Raises:
        TypeError: Both are given, or the image has an unsupported type.
        OSError: The image file can't be read.
    """
    if image is None:
        return RequestSpec("GET", "/predict", {"camera": camera} if camera is not None else {})
    if camera is not None:
        raise TypeError("Give an image or a camera, not both")
    return RequestSpec("POST", "/predict", headers={"Content-Type": ANY_IMAGE}, content=image_bytes(image))


def frame_request(camera: str) -> RequestSpec:
    """Return the request for a camera's newest frame."""
    return RequestSpec("GET", f"/cameras/{_path_segment(camera)}/frame.jpg", max_bytes=MAX_FRAME_BYTES)


def events_request(camera: str, fps: float | None, last_id: str | None) -> RequestSpec:
    """Return the request for a camera's feed, from the result after ``last_id``."""
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    params = {} if fps is None else {"fps": f"{fps:g}"}
    return RequestSpec("GET", f"/cameras/{_path_segment(camera)}/events", params, headers)


def image_bytes(image: Image) -> bytes:
    """Return the encoded bytes of an image.

    Raises:
        TypeError: The image has an unsupported type.
        OSError: The file can't be read.
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


def _path_segment(name: str) -> str:
    # A segment of dots alone would mean another path.
    return quote(name, safe="").replace(".", "%2E")
