"""Parameters of a detection and of the detector, in types that need no OpenCV."""

import base64
import binascii
from dataclasses import dataclass

from services.contracts.geometry import Box
from services.contracts.messages import MalformedMessageError

REFERENCE_COLUMNS = 64
"""Columns of a reference frame; it has as many rows as keep a cell square. A cell is 20 pixels of an image 1280 pixels
wide."""

MAX_REFERENCE_ROWS = 4 * REFERENCE_COLUMNS


@dataclass(frozen=True)
class SearchSettings:
    """How faces are searched; the fields are those of ``DetectorSettings``.

    Attributes:
        cascade: Name of a cascade that comes with OpenCV, or the path of an XML file.
        scale_factor: Ratio between the face sizes that are tried.
        min_neighbors: Overlapping detections that make a face, as the mean of a region and its mirror image.
        min_face_px: Smallest side of a face.
        search_side_px: In images with a longer side, the smallest face grows in proportion.
        pixel_limit: Most pixels that an image may have.
    """

    cascade: str = "haarcascade_frontalface_alt2"
    scale_factor: float = 1.1
    min_neighbors: int = 5
    min_face_px: int = 48
    search_side_px: int = 1280
    pixel_limit: int = 40_000_000


@dataclass(frozen=True)
class DetectOptions:
    """Which part of an image is searched; by default all of it.

    Attributes:
        rois: Regions where faces were in the frame before. Their surroundings are searched, or if ``incremental``,
            they are left out.
        fallback_full: Whether the whole image is searched if a region yields no face.
        incremental: Whether to search only where the image differs from the reference frame.
        reference: The reference frame that an earlier detection returned: uint8 [rows, 64] as bytes, row by row; None
            for the first image.
    """

    rois: tuple[Box, ...] = ()
    fallback_full: bool = True
    incremental: bool = False
    reference: bytes | None = None


def encode_reference(reference: bytes) -> str:
    """Return a reference frame as base64."""
    return base64.b64encode(reference).decode("ascii")


def decode_reference(text: str) -> bytes:
    """Read a reference frame from base64.

    Raises:
        MalformedMessageError: It isn't base64, or has another number of cells.
    """
    try:
        reference = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedMessageError("reference: not base64") from None
    rows, rest = divmod(len(reference), REFERENCE_COLUMNS)
    if rest or not 1 <= rows <= MAX_REFERENCE_ROWS:
        raise MalformedMessageError(f"reference: not 1 to {MAX_REFERENCE_ROWS} rows of {REFERENCE_COLUMNS} cells")
    return reference
