"""What the search needs of a cascade."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.detector.cascade import Hit


class FaceFinder(Protocol):
    """Tells which windows of an image look like a face; ``HaarCascade`` does."""

    @property
    def window_px(self) -> int:
        """The smallest face that it can see."""

    def hits(self, gray: NDArray[np.uint8], scale_factor: float, smallest_px: int, largest_px: int) -> Sequence[Hit]:
        """Return the windows of a uint8 [height, width] image that pass."""
