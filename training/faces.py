"""Images of a dataset as the model's input."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.detector.preprocess import as_model_input


def as_faces(images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return uint8 [n, 48, 48] images as the model's input, float32 [n, 48, 48, 1] in [0, 1]; n is at least 1."""
    return np.stack([as_model_input(image) for image in images])
