"""What the face search finds and what it costs, beside one cascade at full size.

By kind of picture: the faces found, false ones, and the median processor time (decoding included) as a ratio to
``haarcascade_frontalface_alt2`` over the whole image (scale 1.1, 5 neighbours, 48 pixels and more): without hints,
with where the faces are, and with where none is.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import cv2.data
import numpy as np

from bench.harness.run import Part, Run
from bench.harness.tables import Table, shown
from bench.scenarios.baseline import nudged
from bench.scenes.faces import HEIGHT, RECIPES, WIDTH, Scene, scenes
from services.contracts.geometry import Box, overlaps_any
from services.detector.images import decode_gray
from services.detector.search import create_face_detector
from services.detector.settings import DetectorSettings

ALL = "all"
_WAYS = ("alt2", "ours", "hinted", "wrong")


@dataclass
class Tally:
    """What one way of searching did on the scenes of one kind."""

    found: int = 0
    false: int = 0
    primary: int = 0
    seconds: list[float] = field(default_factory=list)

    def count(self, scene: Scene, boxes: Sequence[Box]) -> None:
        """Compare what was found with what is there."""
        self.found += sum(overlaps_any(face, boxes) for face in scene.faces)
        self.false += sum(not overlaps_any(box, scene.faces) for box in boxes)
        self.primary += bool(boxes) and overlaps_any(boxes[0], scene.faces)

    def add(self, other: "Tally") -> None:
        """Take what another counted."""
        self.found, self.false = self.found + other.found, self.false + other.false
        self.primary += other.primary
        self.seconds += other.seconds


Search = Callable[[bytes, Sequence[Box]], list[Box]]
Row = dict[str, Tally]


def measure(run: Run) -> dict[str, Any]:
    """Search each scene in four ways."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return _measure(run)
    finally:
        cv2.setNumThreads(threads)


def _measure(run: Run) -> dict[str, Any]:
    ours, reference = _ours(DetectorSettings()), _at_full_size(DetectorSettings())
    tallies: dict[str, Row] = {kind: {way: Tally() for way in _WAYS} for kind in RECIPES}
    there: dict[str, list[int]] = defaultdict(list)
    each = run.scale.detection_each
    for scene in run.over("detection", scenes(each, run.seed), each * len(RECIPES)):
        row = tallies[scene.kind]
        there[scene.kind].append(len(scene.faces))
        _timed(row["alt2"], scene, reference, [])
        found = _timed(row["ours"], scene, ours, [])
        if found:
            _timed(row["hinted"], scene, ours, [nudged(box) for box in found])
        _timed(row["wrong"], scene, ours, [_elsewhere(scene.faces)])
    alone = [kind for kind, faces in there.items() if faces[0] == 1]
    return {
        "by_kind": {kind: _row_figures(row, sum(there[kind])) for kind, row in tallies.items()}
        | {ALL: _row_figures(_sum(tallies.values()), sum(map(sum, there.values())))},
        "first_face_is_the_persons": sum(tallies[kind]["ours"].primary for kind in alone),
        "pictures_of_one_person": sum(len(there[kind]) for kind in alone),
    }


def _ours(settings: DetectorSettings) -> Search:
    detector = create_face_detector(settings.search())

    def search(jpeg: bytes, hints: Sequence[Box]) -> list[Box]:
        _, found = detector.detect(decode_gray(jpeg, settings.pixel_limit), hints)
        return [candidate.box for candidate in found]

    return search


def _at_full_size(settings: DetectorSettings) -> Search:
    cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_frontalface_alt2.xml")

    def search(jpeg: bytes, _: Sequence[Box]) -> list[Box]:
        gray = decode_gray(jpeg, settings.pixel_limit)
        found = cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5, minSize=(48, 48))
        return [Box(*(int(value) for value in box)) for box in found]

    return search


def _timed(tally: Tally, scene: Scene, search: Search, hints: Sequence[Box]) -> list[Box]:
    began = time.thread_time()
    boxes = search(scene.jpeg, hints)
    tally.seconds.append(time.thread_time() - began)
    tally.count(scene, boxes)
    return boxes


def _elsewhere(faces: Sequence[Box]) -> Box:
    """Return a place of usual size in the corner that is farthest from any face."""
    corners = [Box(x, y, 120, 120) for x in (20, WIDTH - 140) for y in (20, HEIGHT - 140)]
    return max(corners, key=lambda at: min((abs(at.x - face.x) + abs(at.y - face.y) for face in faces), default=0))


def _sum(rows: Iterable[Row]) -> Row:
    whole = {way: Tally() for way in _WAYS}
    for row in rows:
        for way, tally in row.items():
            whole[way].add(tally)
    return whole


def _row_figures(row: Row, faces: int) -> dict[str, Any]:
    alt2_s = float(np.median(row["alt2"].seconds))
    return {
        "faces": faces,
        "found": {way: row[way].found for way in ("alt2", "ours", "hinted")},
        "false": {way: row[way].false for way in ("alt2", "ours")},
        "time_over_alt2": {
            way: float(np.median(row[way].seconds)) / alt2_s if row[way].seconds else None
            for way in ("ours", "hinted", "wrong")
        },
        "alt2_ms": alt2_s * 1e3,
    }


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a row for each kind of scene, and one over all."""
    rows = [
        (
            kind,
            str(of["faces"]),
            *(str(of["found"][way]) for way in ("alt2", "ours", "hinted")),
            *(str(of["false"][way]) for way in ("alt2", "ours")),
            *(shown(of["time_over_alt2"][way], 3) for way in ("ours", "hinted", "wrong")),
            shown(of["alt2_ms"]),
        )
        for kind, of in result["by_kind"].items()
    ]
    found = ("found alt2", "ours", "hinted", "false alt2", "ours")
    columns = ("", "faces", *found, "time / alt2", "hinted", "wrong hint", "alt2 ms")
    first, alone = result["first_face_is_the_persons"], result["pictures_of_one_person"]
    title = f"Detection: the first face is the person's in {first} of {alone} pictures of one person"
    return [Table(title, columns, rows)]


PART = Part("what the face search finds, beside one cascade", measure, tables)
