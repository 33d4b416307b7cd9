"""Medians and tails."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

PERCENTILES = (50, 95, 99)


def figures(values: Iterable[float]) -> dict[str, Any]:
    """Return ``count``, ``p50``, ``p95``, ``p99`` and ``worst`` of some values; null where there are none.

    Percentiles lie between neighbours linearly, so that of few values p99 is close to the worst.
    """
    array = np.fromiter(values, np.float64)
    if not array.size:
        return {"count": 0, **{f"p{share}": None for share in PERCENTILES}, "worst": None}
    percentiles = {f"p{share}": float(np.percentile(array, share)) for share in PERCENTILES}
    return {"count": int(array.size), **percentiles, "worst": float(array.max())}


def ratio(over: Mapping[str, Any], under: Mapping[str, Any], name: str) -> float | None:
    """Return by how much one figure exceeds another of the same name; None where one is missing."""
    if over[name] is None or not under[name]:
        return None
    return float(over[name] / under[name])


def shown(value: float | None, digits: int = 1) -> str:
    """Return a figure for people."""
    return "–" if value is None else f"{value:,.{digits}f}"
