"""Measures what the face search finds and what it costs, beside one cascade at full size.

``python -m bench.detection`` composes scenes from the demo feed's portraits and prints, by kind, the faces found, false
ones, and the median processor time (decoding included) as a ratio to ``haarcascade_frontalface_alt2`` over the whole
image (scale 1.1, 5 neighbours, 48 pixels and more): without hints, with where the faces are, and with where none is.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import cv2.data
import numpy as np

from bench.face_scenes import HEIGHT, WIDTH, Scene, scenes
from services.contracts.geometry import Box
from services.detector.candidates import SAME_FACE_OVERLAP, overlap
from services.detector.images import decode_gray
from services.detector.searches import face_search
from services.detector.settings import DetectorSettings

_NUDGE = 0.08
"""How far a good hint lies from its face, in sides: about a frame's movement."""


@dataclass
class Tally:
    """What one way of searching did on the scenes of one kind."""

    found: int = 0
    false: int = 0
    primary: int = 0
    seconds: list[float] = field(default_factory=list)

    def count(self, scene: Scene, boxes: Sequence[Box]) -> None:
        """Compare what was found with what is there."""
        self.found += sum(_any_overlaps(boxes, face) for face in scene.faces)
        self.false += sum(not _any_overlaps(scene.faces, box) for box in boxes)
        self.primary += bool(boxes) and _any_overlaps(scene.faces, boxes[0])


Search = Callable[[bytes, Sequence[Box]], list[Box]]


def measure(each: int, seed: int) -> tuple[dict[str, dict[str, Tally]], dict[str, list[Scene]]]:
    """Return tallies by kind and way of searching, and the scenes by kind."""
    settings = DetectorSettings()
    faces = face_search(settings)
    reference = cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_frontalface_alt2.xml")

    def at_full_size(jpeg: bytes, _: Sequence[Box]) -> list[Box]:
        gray = decode_gray(jpeg, settings.pixel_limit)
        found = reference.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5, minSize=(48, 48))
        return [Box(*(int(value) for value in box)) for box in found]

    def ours(jpeg: bytes, hints: Sequence[Box]) -> list[Box]:
        _, found = faces.run(decode_gray(jpeg, settings.pixel_limit), hints)
        return [candidate.box for candidate in found]

    tallies: dict[str, dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    by_kind: dict[str, list[Scene]] = defaultdict(list)
    for scene in scenes(each, seed):
        by_kind[scene.kind].append(scene)
        row = tallies[scene.kind]
        _timed(row["alt2"], scene, at_full_size, [])
        found = _timed(row["ours"], scene, ours, [])
        if found:
            _timed(row["hinted"], scene, ours, [_nudged(box) for box in found])
        _timed(row["wrong"], scene, ours, [_elsewhere(scene.faces)])
    return tallies, by_kind


def _timed(tally: Tally, scene: Scene, search: Search, hints: Sequence[Box]) -> list[Box]:
    began = time.thread_time()
    boxes = search(scene.jpeg, hints)
    tally.seconds.append(time.thread_time() - began)
    tally.count(scene, boxes)
    return boxes


def _any_overlaps(boxes: Sequence[Box], box: Box) -> bool:
    return any(overlap(other, box) >= SAME_FACE_OVERLAP for other in boxes)


def _nudged(box: Box) -> Box:
    return Box(box.x + round(box.w * _NUDGE), box.y - round(box.h * _NUDGE), box.w, box.h)


def _elsewhere(faces: Sequence[Box]) -> Box:
    """Return a place of usual size in the corner that is farthest from any face."""
    corners = [Box(x, y, 120, 120) for x in (20, WIDTH - 140) for y in (20, HEIGHT - 140)]
    return max(corners, key=lambda at: min((abs(at.x - face.x) + abs(at.y - face.y) for face in faces), default=0))


def _ratio(row: dict[str, Tally], way: str) -> str:
    if not row[way].seconds:
        return "–"
    return f"{np.median(row[way].seconds) / np.median(row['alt2'].seconds):.3f}"


def main() -> None:
    """Print a line for each kind of scene, and one over all."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=__doc__)
    parser.add_argument("--each", type=int, default=12, help="scenes of each kind (default: 12)")
    parser.add_argument("--seed", type=int, default=1, help="makes other scenes (default: 1)")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    tallies, by_kind = measure(arguments.each, arguments.seed)
    whole: dict[str, Tally] = defaultdict(Tally)
    first, alone = 0, 0
    print("                      found               false            time / alt2 at full size")
    print("kind        faces   alt2  ours  hinted  alt2  ours   no hints  hinted   wrong   alt2 ms")
    for kind, row in tallies.items():
        for way, tally in row.items():
            total = whole[way]
            total.found, total.false = total.found + tally.found, total.false + tally.false
            total.seconds += tally.seconds
        if len(by_kind[kind][0].faces) == 1:
            first, alone = first + row["ours"].primary, alone + len(by_kind[kind])
        _print(kind, sum(len(scene.faces) for scene in by_kind[kind]), row)
    _print("all", sum(len(scene.faces) for group in by_kind.values() for scene in group), whole)
    print(f"the first face is the person's in {first} of {alone} pictures of one person")


def _print(kind: str, faces: int, row: dict[str, Tally]) -> None:
    alt2, ours = row["alt2"], row["ours"]
    found = f"{alt2.found:6d}  {ours.found:4d}  {row['hinted'].found:6d}"
    ratios = f"{_ratio(row, 'ours'):>10s}  {_ratio(row, 'hinted'):>6s}  {_ratio(row, 'wrong'):>6s}"
    milliseconds = float(np.median(alt2.seconds)) * 1e3
    print(f"{kind:10s}  {faces:5d} {found}  {alt2.false:4d}  {ours.false:4d} {ratios}   {milliseconds:7.1f}")


if __name__ == "__main__":
    main()
