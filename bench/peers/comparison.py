"""Figures of systems side by side."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.figures import figures
from bench.peers.process import Found
from services.contracts.geometry import Box, is_among


@dataclass
class Looks:
    """What one system made of pictures whose faces are known."""

    found: list[Found] = field(default_factory=list)
    right: int = 0
    false: int = 0

    def add(self, found: Found, faces: Sequence[Box]) -> None:
        """Take what it made of one picture."""
        self.found.append(found)
        self.right += sum(is_among(face, found.faces) for face in faces)
        self.false += sum(not is_among(box, faces) for box in found.faces)

    @property
    def seconds(self) -> list[float]:
        """What each picture took."""
        return [one.seconds for one in self.found]

    @property
    def cpu_seconds(self) -> list[float]:
        """The processor time of each picture, where it is known."""
        return [one.cpu_seconds for one in self.found if one.cpu_seconds is not None]

    def summary(self) -> dict[str, Any]:
        """Return milliseconds, faces and emotions for the JSON file."""
        emotions = Counter(emotion for one in self.found for emotion in one.emotions if emotion is not None)
        return {
            "wall_ms": figures(value * 1e3 for value in self.seconds),
            "cpu_ms": figures(value * 1e3 for value in self.cpu_seconds),
            "faces_found": self.right,
            "false_faces": self.false,
            "emotions": dict(sorted(emotions.items())),
        }


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Return the ratio of the medians, and how the single ratios spread: ``p5``, ``p50``, ``p95``.

    Args:
        ours: Costs of ours.
        theirs: Costs of the other system, of the same work in the same order.
    """
    each = np.divide(ours, theirs)
    return {
        "of_medians": float(np.median(ours) / np.median(theirs)),
        **{f"p{share}": float(np.percentile(each, share)) for share in (5, 50, 95)},
    }
