"""Counters and distributions with the names and the text form that TensorFlow Serving has.

Its names hold colons and its counters no ``_total``, which the Prometheus client doesn't write.
"""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate

Labels = tuple[str, ...]


class Counter:
    """A number for each combination of labels, which only grows. Used from any thread."""

    def __init__(self, path: str, labels: Labels = ()) -> None:
        self._name = path.replace("/", ":")
        self._labels = labels
        self._numbers: defaultdict[Labels, int] = defaultdict(int)
        self._lock = threading.Lock()

    def add(self, *values: str, amount: int = 1) -> None:
        """Count one or more."""
        with self._lock:
            self._numbers[values] += amount

    def lines(self) -> Iterator[str]:
        """Return the series as text."""
        with self._lock:
            numbers = dict(self._numbers)
        yield f"# TYPE {self._name} counter"
        for values, number in numbers.items():
            yield f"{self._name}{_braces(self._labels, values)} {number}"


class Distribution:
    """How often values fell between limits, for each combination of labels. Used from any thread."""

    def __init__(self, path: str, limits: Sequence[float], labels: Labels = ()) -> None:
        self._name = path.replace("/", ":")
        self._labels = labels
        self._limits = tuple(limits)
        self._counts: defaultdict[Labels, list[int]] = defaultdict(lambda: [0] * (len(self._limits) + 1))
        self._sums: defaultdict[Labels, float] = defaultdict(float)
        self._lock = threading.Lock()

    def observe(self, value: float, *values: str) -> None:
        """Take one value in."""
        with self._lock:
            self._counts[values][bisect_left(self._limits, value)] += 1
            self._sums[values] += value

    def lines(self) -> Iterator[str]:
        """Return the series as text."""
        with self._lock:
            counts = {values: list(numbers) for values, numbers in self._counts.items()}
            sums = dict(self._sums)
        yield f"# TYPE {self._name} histogram"
        limits = (*(f"{limit:g}" for limit in self._limits), "+Inf")
        for values, numbers in counts.items():
            for limit, number in zip(limits, accumulate(numbers), strict=True):
                yield f"{self._name}_bucket{_braces((*self._labels, 'le'), (*values, limit))} {number}"
            yield f"{self._name}_sum{_braces(self._labels, values)} {sums[values]:g}"
            yield f"{self._name}_count{_braces(self._labels, values)} {sum(numbers)}"


def exponential(first: float, factor: float, count: int) -> tuple[float, ...]:
    """Return limits that grow by a factor."""
    return tuple(first * factor**power for power in range(count))


def _braces(names: Labels, values: Labels) -> str:
    if not names:
        return "{}"
    pairs = (f'{name}="{_escape(value)}"' for name, value in zip(names, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
