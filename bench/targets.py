"""What is promised about speed, beside what was measured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.harness.tables import Table, shown
from bench.scenes.clip import FPS


@dataclass(frozen=True)
class Promise:
    """A figure and its bound.

    Attributes:
        what: In a few words.
        bound: What it must not exceed, or fall below where ``at_least``.
        measured: None where it couldn't be.
        at_least: Which side of the bound is good.
        digits: How many are shown.
    """

    what: str
    bound: float
    measured: float | None
    at_least: bool = False
    digits: int = 0

    @property
    def held(self) -> bool | None:
        """Whether it is held; None where that isn't known."""
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


def promises(parts: Mapping[str, Any]) -> list[Promise]:
    """Return those that what was measured says something about."""
    found = list(_of_the_path(parts["overhead"])) if "overhead" in parts else []
    for of in parts["stream"]["by_cameras"] if "stream" in parts else ():
        found += _of_a_stream(of)
    if "detection" in parts:
        found += _of_detection(parts["detection"]["by_kind"]["all"])
    for name, by_way in parts.get("start", {}).items():
        found.append(Promise(f"{name} is ready, s p50", 1.5, by_way["bytecode"]["p50"], digits=2))
    for name, growth in parts["memory"]["growth"].items() if "memory" in parts else ():
        found.append(Promise(f"{name}, growth of its memory, %", 5, growth * 100, digits=1))
    return found


def beside_peers(report: Mapping[str, Any]) -> list[Promise]:
    """Return those about the ``fer`` library, of a run beside other systems."""
    picture, frame = report["pictures"]["wall_of_ours_to"]["fer"], report["stream"]["cpu_of_ours_to"]["fer"]
    return [
        Promise("a single picture over HTTP, of fer's time in its process", 0.8, picture["of_medians"], digits=2),
        Promise("processor time of a live frame, of fer's", 0.1, frame["of_medians"], digits=3),
    ]


def table(made: list[Promise]) -> Table:
    """Return a row for each promise."""
    said = {True: "held", False: "not held", None: "–"}
    rows = [
        (
            one.what,
            f"{'≥' if one.at_least else '≤'} {shown(one.bound, one.digits)}",
            shown(one.measured, one.digits),
            said[one.held],
        )
        for one in made
    ]
    return Table("Promises", ("", "bound", "measured", ""), rows)


def _of_the_path(path: Mapping[str, Any]) -> Iterator[Promise]:
    over = path["post"]["over_floor"]
    yield Promise("POST /predict over the floor, p50", 1.25, over["p50"], digits=2)
    yield Promise("POST /predict over the floor, p99", 2.0, over["p99"], digits=2)
    yield Promise("added to a live frame over the hinted floor, ms p50", 4, path["live"]["added_ms"]["p50"], digits=1)


def _of_a_stream(of: Mapping[str, Any]) -> Iterator[Promise]:
    cameras, age_ms, new_face_ms = of["cameras"], of["age_ms"]["p95"], of["new_face_ms"]["worst"]
    if cameras == 1:
        yield Promise("1 camera, age of results, ms p95", 50, age_ms)
        yield Promise("1 camera, a new face, ms at worst", 300, new_face_ms)
        each_ms = [of["cpu_ms_a_frame"][name] for name in ("detector", "gateway")]
        # By the frame, since frames that are left out cost nothing.
        busy = None if None in each_ms else sum(each_ms) * FPS / 1e3
        yield Promise("1 camera, detector and gateway at 30 frames/s, % of a core", 50, busy and busy * 100)
    if cameras == 6:
        yield Promise("6 cameras, % of frames analysed", 99, of["analysed_share"]["all"] * 100, at_least=True)
        yield Promise("6 cameras, age of results, ms p95", 100, age_ms)
        yield Promise("6 cameras, a new face, ms at worst", 1000, new_face_ms)
        yield Promise("6 cameras, new faces that never showed", 0, of["new_faces_missed"])
    if cameras == 12:
        share = of["analysed_share"]
        even = share["least_of_a_camera"] / share["all"] if share["all"] else None
        yield Promise("12 cameras, the worst served beside the mean, %", 80, even and even * 100, at_least=True)


def _of_detection(every: Mapping[str, Any]) -> Iterator[Promise]:
    yield Promise("faces found without a hint", every["found"]["alt2"], every["found"]["ours"], at_least=True)
    yield Promise("time without a hint, of one cascade at full size", 0.5, every["time_over_alt2"]["ours"], digits=3)
    yield Promise("time with a hint", 0.05, every["time_over_alt2"]["hinted"], digits=3)
    wrong, cold = every["time_over_alt2"]["wrong"], every["time_over_alt2"]["ours"]
    yield Promise("time with a wrong hint over none", 1.3, wrong / cold, digits=2)
