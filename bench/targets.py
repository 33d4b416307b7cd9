"""Targets for speed and detection quality, compared with the measurements."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.harness.tables import Table, format_number
from bench.scenes.clip import FPS


@dataclass(frozen=True)
class Target:
    """A measurement and its bound.

    Attributes:
        name: The measurement and its unit.
        bound: Maximum, or minimum if ``at_least``.
        measured: None if it could not be measured.
        at_least: Whether the bound is a minimum.
        digits: Decimal places to print.
    """

    name: str
    bound: float
    measured: float | None
    at_least: bool = False
    digits: int = 0

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without a measurement."""
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


def targets_of(parts: Mapping[str, Any]) -> list[Target]:
    """Return the targets of the benchmarks that were run."""
    checked = list(_overhead_targets(parts["overhead"])) if "overhead" in parts else []
    for of in parts["stream"]["by_cameras"] if "stream" in parts else ():
        checked += _stream_targets(of)
    if "detection" in parts:
        checked += _detection_targets(parts["detection"]["by_kind"]["all"])
    for name, by_mode in parts.get("start", {}).items():
        checked.append(Target(f"{name} is ready, s p50", 1.5, by_mode["bytecode"]["p50"], digits=2))
    for name, growth in parts["memory"]["growth"].items() if "memory" in parts else ():
        checked.append(Target(f"{name}, growth of its memory, %", 5, growth * 100, digits=1))
    return checked


def competitor_targets(report: Mapping[str, Any]) -> list[Target]:
    """Return the targets of a comparison with the library ``fer``."""
    image, frame = report["images"]["wall_ratio_to"]["fer"], report["stream"]["cpu_ratio_to"]["fer"]
    return [
        Target("a single image over HTTP, time relative to fer", 0.8, image["of_medians"], digits=2),
        Target("a live frame, processor time relative to fer", 0.1, frame["of_medians"], digits=3),
    ]


def table(checked: list[Target]) -> Table:
    """Return a row for each target."""
    states = {True: "met", False: "not met", None: "–"}
    rows = [
        (
            one.name,
            f"{'≥' if one.at_least else '≤'} {format_number(one.bound, one.digits)}",
            format_number(one.measured, one.digits),
            states[one.is_met],
        )
        for one in checked
    ]
    return Table("Targets", ("", "bound", "measured", ""), rows)


def _overhead_targets(path: Mapping[str, Any]) -> Iterator[Target]:
    over = path["post"]["over_baseline"]
    yield Target("POST /predict relative to the baseline, p50", 1.25, over["p50"], digits=2)
    yield Target("POST /predict relative to the baseline, p99", 2.0, over["p99"], digits=2)
    yield Target(
        "added to a live frame over the baseline in ROIs, ms p50", 4, path["live"]["added_ms"]["p50"], digits=1
    )


def _stream_targets(of: Mapping[str, Any]) -> Iterator[Target]:
    cameras, age_ms, new_face_ms = of["cameras"], of["age_ms"]["p95"], of["new_face_ms"]["worst"]
    if cameras == 1:
        yield Target("1 camera, age of results, ms p95", 50, age_ms)
        yield Target("1 camera, delay of a new face, ms maximum", 300, new_face_ms)
        each_ms = [of["cpu_ms_per_frame"][name] for name in ("detector", "gateway")]
        # Per analysed frame, since dropped frames cost nothing.
        busy = None if None in each_ms else sum(each_ms) * FPS / 1e3
        yield Target("1 camera, detector and gateway at 30 frames/s, % of a core", 50, busy and busy * 100)
    if cameras == 6:
        yield Target("6 cameras, % of frames analysed", 99, of["analysed_share"]["all"] * 100, at_least=True)
        yield Target("6 cameras, age of results, ms p95", 100, age_ms)
        yield Target("6 cameras, delay of a new face, ms maximum", 1000, new_face_ms)
        yield Target("6 cameras, new faces never found", 0, of["new_faces_missed"])
    if cameras == 12:
        share = of["analysed_share"]
        even = share["min_of_a_camera"] / share["all"] if share["all"] else None
        yield Target("12 cameras, least served camera relative to the mean, %", 80, even and even * 100, at_least=True)


def _detection_targets(every: Mapping[str, Any]) -> Iterator[Target]:
    yield Target("faces found in full searches", every["found"]["alt2"], every["found"]["ours"], at_least=True)
    yield Target("full search, time relative to one cascade", 0.5, every["time_over_alt2"]["ours"], digits=3)
    yield Target("search in ROIs, time relative to one cascade", 0.05, every["time_over_alt2"]["roi"], digits=3)
    wrong, full = every["time_over_alt2"]["wrong_roi"], every["time_over_alt2"]["ours"]
    yield Target("search in a wrong ROI, time relative to a full search", 1.3, wrong / full, digits=2)
