"""What a caller asks of an image: where to look."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box


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
