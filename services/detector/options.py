"""What a caller asks of an image: where to look."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box
from services.contracts.messages import MalformedMessageError

OVERVIEW_COLUMNS = 64
"""Of an overview; it has as many rows as keep a cell square. A cell is 20 pixels of a picture 1280 pixels wide."""

MAX_OVERVIEW_ROWS = 4 * OVERVIEW_COLUMNS


@dataclass(frozen=True, eq=False)
class Where:
    """Where to look; without anything, everywhere.

    Attributes:
        near: Where faces were in the frame before: around them is looked, or if ``follows``, not around them.
        elsewhere: Whether to search everywhere where a box of ``near`` yields nothing.
        follows: Whether to look only where the picture differs from ``before``.
        before: The overview of an earlier picture of the same camera; None for a first one.
    """

    near: Sequence[Box] = ()
    elsewhere: bool = True
    follows: bool = False
    before: NDArray[np.uint8] | None = None


def encode_overview(cells: NDArray[np.uint8]) -> str:
    """Return an overview as base64."""
    return base64.b64encode(cells.tobytes()).decode("ascii")


def decode_overview(text: str) -> NDArray[np.uint8]:
    """Read an overview from base64, uint8 [rows, 64].

    Raises:
        MalformedMessageError: It is none.
    """
    try:
        cells = np.frombuffer(base64.b64decode(text, validate=True), np.uint8).reshape(-1, OVERVIEW_COLUMNS)
    except (binascii.Error, ValueError) as error:
        raise MalformedMessageError(f"overview: {error}") from error
    if not 1 <= len(cells) <= MAX_OVERVIEW_ROWS:
        raise MalformedMessageError(f"overview: {len(cells)} rows")
    return cells
