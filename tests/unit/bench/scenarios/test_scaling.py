from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from bench.harness.tables import percentiles
from bench.harness.usage import Usage, cpu_ms_per
from bench.report import draw_report
from bench.scenarios.scaling import tables
from bench.scenarios.scaling_modes import ModeCost, total_cpu_ms
from bench.scenes.views import MAX_FACES_IN_VIEW, View, views_by_faces, views_by_size

SIZES = ((640, 360), (1280, 720))
NUMBERS = (0, 2, MAX_FACES_IN_VIEW)
NONE: dict[str, float | None] = {}


class Using(Usage):
    """Processes whose usage increases by a fixed amount at each call."""

    def __init__(self, **each_s: float) -> None:
        self._each_s, self._looks = each_s, 0

    def cpu_s(self) -> dict[str, float]:
        self._looks += 1
        return {name: each_s * self._looks for name, each_s in self._each_s.items()}


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def pixels_of(view: View) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = cv2.imdecode(np.frombuffer(view.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def test_views_by_size_show_the_same_faces() -> None:
    small, large = views_by_size(SIZES, chance())
    assert [pixels_of(view).shape[1::-1] for view in (small, large)] == [view.size for view in (small, large)]
    assert list(SIZES) == [small.size, large.size]
    assert len(small.faces) == len(large.faces) == 2
    for face, twice in zip(small.faces, large.faces, strict=True):
        assert [twice.x, twice.y, twice.w] == pytest.approx([2 * face.x, 2 * face.y, 2 * face.w], abs=1)
    shrunk = cv2.resize(pixels_of(large), small.size, interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(float) - pixels_of(small)).mean() < 6


def test_views_by_faces_add_faces() -> None:
    views = list(views_by_faces(NUMBERS, chance()))
    assert [len(view.faces) for view in views] == list(NUMBERS)
    assert views[2].faces[:2] == views[1].faces
    face = views[1].faces[0]
    face_counts = (slice(face.y, face.y + face.h), slice(face.x, face.x + face.w))
    nobody, two, eight = (pixels_of(view)[face_counts].astype(float) for view in views)
    assert np.abs(two - eight).mean() < 3 < np.abs(two - nobody).mean()


def test_faces_are_in_the_image_and_depend_on_the_seed() -> None:
    (crowd,) = views_by_faces([MAX_FACES_IN_VIEW], chance())
    for face in crowd.faces:
        assert min(face.x, face.y) >= 0
        assert face.x + face.w <= 1280
        assert face.y + face.h <= 720
    (again,), (other,) = views_by_faces([MAX_FACES_IN_VIEW], chance()), views_by_faces([MAX_FACES_IN_VIEW], chance(2))
    assert crowd.jpeg == again.jpeg
    assert crowd.faces != other.faces


def test_cost_is_usage_per_frame() -> None:
    cost, usage = ModeCost(), Using(detector=0.4, serving=0.1)
    for _ in range(2):
        with cost.measure_cpu(usage):
            cost.add(wall_ms=30.0, faces=1)
            cost.add(wall_ms=50.0, faces=2)
    found = cost.percentiles()
    assert found["cpu_ms"] == pytest.approx({"detector": 200, "serving": 50})
    assert found["wall_ms"]["p50"] == 40
    assert found["faces"] == 1.5


def test_no_cost_without_frames() -> None:
    assert ModeCost().percentiles()["faces"] is None
    assert cpu_ms_per({"detector": 0.1}, 0) == {"detector": None}
    assert total_cpu_ms({"detector": None}) is None
    assert total_cpu_ms(NONE) is None


def test_redis_is_not_part_of_the_total() -> None:
    assert total_cpu_ms({"detector": 20.0, "serving": 5.0, "gateway": 2.0, "redis": 9.0}) == 27


def image_cost(detector_ms: float, has_rois: bool = True) -> dict[str, Any]:
    one = {
        "cpu_ms": {"detector": detector_ms, "serving": 1.0, "gateway": 1.0},
        "wall_ms": percentiles([20.0]),
        "faces": 2.0,
    }
    return {"upload": one, "live": one, "roi": one if has_rois else {**ModeCost().percentiles()}}


def result() -> Mapping[str, Any]:
    of_many = {"cores": {"detector": 0.5, "redis": 0.1}, "background_cores": 0.4}
    cpu = {"detector": 20.0, "serving": 5.0, "gateway": 2.0, "redis": 0.3}
    seen = {"analysed_per_s": 10.0, "analysed_share": {"all": 1.0}, "age_ms": percentiles([30.0])}
    seen |= {"new_face_ms": percentiles([]), "cpu_ms_per_frame": cpu}
    asked = {"responses_per_s": 9.0, "answered_ms": percentiles([90.0]), "cpu_ms_per_response": cpu}
    return {
        "sizes": [{"width": wide, "height": tall, **image_cost(tall / 10)} for wide, tall in SIZES],
        "faces": [{"faces": number, **image_cost(5.0, has_rois=number > 0)} for number in (0, 1)],
        "cameras": [{"cameras": number, **of_many, **seen} for number in (1, 2)],
        "clients": [{"clients": number, **of_many, **asked} for number in (1, 2)],
    }


def test_rows_have_all_columns() -> None:
    made = tables(result())
    assert all(len(row) == len(table.columns) for table in made for row in table.rows)
    assert {row[0] for table in made for row in table.rows} == {"640×360", "1280×720", "0", "1", "2"}
    by_title = {table.title: table for table in made}
    faces = by_title["Scaling: faces in an image of 1280×720, in a live session, ms a frame"]
    assert [row[faces.columns.index("detector, ROIs only")] for row in faces.rows] == ["–", "5.0"]


def test_four_charts_are_drawn() -> None:
    drawn = ElementTree.fromstring(draw_report({"parts": {"scaling": result()}}))
    texts = [element.text or "" for element in drawn.iter() if element.tag.endswith("text")]
    assert sum(text.startswith(("Processor ms", "Ms a", "Ms an")) for text in texts) == 4
    circles = [element for element in drawn.iter() if element.tag.endswith("circle")]
    assert len(circles) == 3 * 2 + (2 + 2 + 1) + 2 * 2 + 2 * 2  # who isn't there has no hint
