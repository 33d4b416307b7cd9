"""Adds up what processes used while they were asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.figures import figures
from bench.usage import Usage, between, cpu_ms_each

PROCESSES = ("detector", "serving", "gateway")
"""Those that a frame costs most of."""


@dataclass
class Cost:
    """What frames cost.

    Attributes:
        used_s: Processor seconds by process.
        wall_ms: Of each frame, from the question to its answer.
        faces: How many were found in each.
    """

    used_s: dict[str, float] = field(default_factory=dict)
    wall_ms: list[float] = field(default_factory=list)
    faces: list[int] = field(default_factory=list)

    @contextmanager
    def counting(self, usage: Usage) -> Iterator[None]:
        """Count what is used while the block runs."""
        before = usage.cpu_s()
        yield
        for name, used_s in between(before, usage.cpu_s()).items():
            self.used_s[name] = self.used_s.get(name, 0.0) + used_s

    def add(self, wall_ms: float, faces: int) -> None:
        """Take note of a frame."""
        self.wall_ms.append(wall_ms)
        self.faces.append(faces)

    def figures(self) -> dict[str, Any]:
        """Return what a frame costs."""
        return {
            "cpu_ms": cpu_ms_each(self.used_s, len(self.wall_ms)),
            "wall_ms": figures(self.wall_ms),
            "faces": sum(self.faces) / len(self.faces) if self.faces else None,
        }


def together_ms(cpu_ms: Mapping[str, float | None]) -> float | None:
    """Return what detector, model server and gateway cost together; None where that isn't known."""
    known = [each for name in PROCESSES if (each := cpu_ms.get(name)) is not None]
    return sum(known) if known else None
