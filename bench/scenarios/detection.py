"""Quality and cost of the face detection, compared with one cascade at full size.

For each kind of image: faces found, false detections, and the median processor time with decoding, relative to
``haarcascade_frontalface_alt2`` on the whole image (scale 1.1, 5 neighbours, at least 48 pixels): with a full search,
with the faces as ROIs, and with an ROI without a face.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import cv2.data
import numpy as np

from bench.harness.run import Run, Scenario
from bench.harness.tables import Table, format_number
from bench.scenarios.baseline import shifted
from bench.scenes.faces import HEIGHT, SCENE_KINDS, WIDTH, Scene, scenes
from services.contracts.geometry import Box, overlaps_any
from services.detector.images import decode_gray
from services.detector.search import create_face_detector
from services.detector.settings import DetectorSettings

ALL = "all"
_SEARCHES = ("alt2", "ours", "roi", "wrong_roi")


@dataclass
class SearchStats:
    """Results of one kind of search on the scenes of one kind."""

    found: int = 0
    false: int = 0
    primary: int = 0
    seconds: list[float] = field(default_factory=list)

    def count(self, scene: Scene, boxes: Sequence[Box]) -> None:
        """Compare detections with the faces of a scene."""
        self.found += sum(overlaps_any(face, boxes) for face in scene.faces)
        self.false += sum(not overlaps_any(box, scene.faces) for box in boxes)
        self.primary += bool(boxes) and overlaps_any(boxes[0], scene.faces)

    def add(self, other: "SearchStats") -> None:
        """Add the results of another kind of scene."""
        self.found, self.false = self.found + other.found, self.false + other.false
        self.primary += other.primary
        self.seconds += other.seconds


Search = Callable[[bytes, Sequence[Box]], list[Box]]
Row = dict[str, SearchStats]


def measure(run: Run) -> dict[str, Any]:
    """Run the four searches on each scene."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return _measure(run)
    finally:
        cv2.setNumThreads(threads)


def _measure(run: Run) -> dict[str, Any]:
    ours, reference = _ours(DetectorSettings()), _full_size_cascade(DetectorSettings())
    stats_by_kind: dict[str, Row] = {kind: {mode: SearchStats() for mode in _SEARCHES} for kind in SCENE_KINDS}
    face_counts: dict[str, list[int]] = defaultdict(list)
    each = run.scale.detection_images_per_kind
    for scene in run.track("detection", scenes(each, run.seed), each * len(SCENE_KINDS)):
        row = stats_by_kind[scene.kind]
        face_counts[scene.kind].append(len(scene.faces))
        _timed(row["alt2"], scene, reference, [])
        found = _timed(row["ours"], scene, ours, [])
        if found:
            _timed(row["roi"], scene, ours, [shifted(box) for box in found])
        _timed(row["wrong_roi"], scene, ours, [_far_from(scene.faces)])
    alone = [kind for kind, faces in face_counts.items() if faces[0] == 1]
    return {
        "by_kind": {kind: _row_figures(row, sum(face_counts[kind])) for kind, row in stats_by_kind.items()}
        | {ALL: _row_figures(_sum(stats_by_kind.values()), sum(map(sum, face_counts.values())))},
        "primary_face_correct": sum(stats_by_kind[kind]["ours"].primary for kind in alone),
        "single_face_images": sum(len(face_counts[kind]) for kind in alone),
    }


def _ours(settings: DetectorSettings) -> Search:
    detector = create_face_detector(settings.search())

    def search(jpeg: bytes, rois: Sequence[Box]) -> list[Box]:
        _, found = detector.detect(decode_gray(jpeg, settings.pixel_limit), rois)
        return [candidate.box for candidate in found]

    return search


def _full_size_cascade(settings: DetectorSettings) -> Search:
    cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_frontalface_alt2.xml")

    def search(jpeg: bytes, _: Sequence[Box]) -> list[Box]:
        gray = decode_gray(jpeg, settings.pixel_limit)
        found = cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5, minSize=(48, 48))
        return [Box(*(int(value) for value in box)) for box in found]

    return search


def _timed(stats: SearchStats, scene: Scene, search: Search, rois: Sequence[Box]) -> list[Box]:
    started = time.thread_time()
    boxes = search(scene.jpeg, rois)
    stats.seconds.append(time.thread_time() - started)
    stats.count(scene, boxes)
    return boxes


def _far_from(faces: Sequence[Box]) -> Box:
    """Return a box in the corner that is farthest from any face."""
    corners = [Box(x, y, 120, 120) for x in (20, WIDTH - 140) for y in (20, HEIGHT - 140)]
    return max(corners, key=lambda at: min((abs(at.x - face.x) + abs(at.y - face.y) for face in faces), default=0))


def _sum(rows: Iterable[Row]) -> Row:
    whole = {mode: SearchStats() for mode in _SEARCHES}
    for row in rows:
        for mode, stats in row.items():
            whole[mode].add(stats)
    return whole


def _row_figures(row: Row, faces: int) -> dict[str, Any]:
    alt2_s = float(np.median(row["alt2"].seconds))
    return {
        "faces": faces,
        "found": {mode: row[mode].found for mode in ("alt2", "ours", "roi")},
        "false": {mode: row[mode].false for mode in ("alt2", "ours")},
        "time_over_alt2": {
            mode: float(np.median(row[mode].seconds)) / alt2_s if row[mode].seconds else None
            for mode in ("ours", "roi", "wrong_roi")
        },
        "alt2_ms": alt2_s * 1e3,
    }


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a row for each kind of scene, and one for all."""
    rows = [
        (
            kind,
            str(of["faces"]),
            *(str(of["found"][mode]) for mode in ("alt2", "ours", "roi")),
            *(str(of["false"][mode]) for mode in ("alt2", "ours")),
            *(format_number(of["time_over_alt2"][mode], 3) for mode in ("ours", "roi", "wrong_roi")),
            format_number(of["alt2_ms"]),
        )
        for kind, of in result["by_kind"].items()
    ]
    found = ("found alt2", "ours", "ROI", "false alt2", "ours")
    columns = ("", "faces", *found, "time / alt2", "ROI", "wrong ROI", "alt2 ms")
    first, alone = result["primary_face_correct"], result["single_face_images"]
    title = f"Detection: the first face is correct in {first} of {alone} images of one person"
    return [Table(title, columns, rows)]


SCENARIO = Scenario("detection quality and cost, compared with one cascade", measure, tables)
