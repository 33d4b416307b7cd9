"""A peer that finds a face as wide as a picture has bytes, and prints what nobody asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.competitors.worker import answer


def analyse(jpeg: bytes) -> Sequence[Mapping[str, Any]]:
    print("a library's own words")
    if jpeg == b"bad":
        raise ValueError("not a picture")
    return [{"box": [1, 2, len(jpeg), 4], "emotion": "happy"}]


if __name__ == "__main__":
    answer("pytest", ["numpy", "no-such-package"], lambda: analyse)
