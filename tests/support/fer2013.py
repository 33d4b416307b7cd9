"""Writes files in the format of FER2013, with drawn patterns instead of photographs."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from services.contracts.model import FACE_SIDE

HEADER = "emotion,pixels,Usage"


def row(label: int, image: NDArray[np.uint8], usage: str) -> str:
    """Return a line of the file."""
    return f"{label},{' '.join(map(str, image.ravel().tolist()))},{usage}"


def write(path: Path, rows: Iterable[str]) -> Path:
    """Write the header and these lines; return the path."""
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def pattern(label: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a noisy image, uint8 [48, 48], whose class is the height of a bright bar."""
    image = rng.integers(0, 60, (FACE_SIDE, FACE_SIDE))
    top = 2 + 6 * label + int(rng.integers(0, 2))
    image[top : top + 5, 6:42] += 180
    return image.astype(np.uint8)


def patterns(usage: str, per_class: int, seed: int) -> list[str]:
    """Return lines of drawn patterns, ``per_class`` of each class."""
    rng = np.random.default_rng(seed)
    return [row(label, pattern(label, rng), usage) for _ in range(per_class) for label in range(len(EMOTIONS))]
