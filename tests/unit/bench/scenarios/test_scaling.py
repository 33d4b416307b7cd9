from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from bench.harness.tables import figures
from bench.harness.usage import Usage, cpu_ms_each
from bench.report import draw_report
from bench.scenarios.scaling import tables
from bench.scenarios.scaling_modes import Cost, together_ms
from bench.scenes.views import MOST_FACES, View, crowds, sized

SIZES = ((640, 360), (1280, 720))
NUMBERS = (0, 2, MOST_FACES)
NONE: dict[str, float | None] = {}


class Using(Usage):
    """Processes that used so much more each time they are looked at."""

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


def test_one_view_in_several_sizes_shows_the_same_faces() -> None:
    small, large = sized(SIZES, chance())
    assert [pixels_of(view).shape[1::-1] for view in (small, large)] == [view.size for view in (small, large)]
    assert list(SIZES) == [small.size, large.size]
    assert len(small.faces) == len(large.faces) == 2
    for face, twice in zip(small.faces, large.faces, strict=True):
        assert [twice.x, twice.y, twice.w] == pytest.approx([2 * face.x, 2 * face.y, 2 * face.w], abs=1)
    shrunk = cv2.resize(pixels_of(large), small.size, interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(float) - pixels_of(small)).mean() < 6


def test_a_larger_crowd_is_a_smaller_one_and_more() -> None:
    views = list(crowds(NUMBERS, chance()))
    assert [len(view.faces) for view in views] == list(NUMBERS)
    assert views[2].faces[:2] == views[1].faces
    face = views[1].faces[0]
    there = (slice(face.y, face.y + face.h), slice(face.x, face.x + face.w))
    nobody, two, eight = (pixels_of(view)[there].astype(float) for view in views)
    assert np.abs(two - eight).mean() < 3 < np.abs(two - nobody).mean()


def test_all_faces_lie_in_the_picture_and_the_same_seed_puts_them_in_the_same_places() -> None:
    (crowd,) = crowds([MOST_FACES], chance())
    for face in crowd.faces:
        assert min(face.x, face.y) >= 0
        assert face.x + face.w <= 1280
        assert face.y + face.h <= 720
    (again,), (other,) = crowds([MOST_FACES], chance()), crowds([MOST_FACES], chance(2))
    assert crowd.jpeg == again.jpeg
    assert crowd.faces != other.faces


def test_what_is_used_between_is_divided_by_the_frames() -> None:
    cost, usage = Cost(), Using(detector=0.4, serving=0.1)
    for _ in range(2):
        with cost.counting(usage):
            cost.add(wall_ms=30.0, faces=1)
            cost.add(wall_ms=50.0, faces=2)
    found = cost.figures()
    assert found["cpu_ms"] == pytest.approx({"detector": 200, "serving": 50})
    assert found["wall_ms"]["p50"] == 40
    assert found["faces"] == 1.5


def test_without_frames_nothing_is_known_of_their_cost() -> None:
    assert Cost().figures()["faces"] is None
    assert cpu_ms_each({"detector": 0.1}, 0) == {"detector": None}
    assert together_ms({"detector": None}) is None
    assert together_ms(NONE) is None


def test_the_store_is_no_part_of_what_a_frame_costs_together() -> None:
    assert together_ms({"detector": 20.0, "serving": 5.0, "gateway": 2.0, "redis": 9.0}) == 27


def pictures_cost(detector_ms: float, hinted: bool = True) -> dict[str, Any]:
    one = {
        "cpu_ms": {"detector": detector_ms, "serving": 1.0, "gateway": 1.0},
        "wall_ms": figures([20.0]),
        "faces": 2.0,
    }
    return {"upload": one, "live": one, "hints": one if hinted else {**Cost().figures()}}


def result() -> Mapping[str, Any]:
    of_many = {"cores": {"detector": 0.5, "redis": 0.1}, "others_cores": 0.4}
    cpu = {"detector": 20.0, "serving": 5.0, "gateway": 2.0, "redis": 0.3}
    seen = {"analysed_a_second": 10.0, "analysed_share": {"all": 1.0}, "age_ms": figures([30.0])}
    seen |= {"new_face_ms": figures([]), "cpu_ms_a_frame": cpu}
    asked = {"answers_a_second": 9.0, "answered_ms": figures([90.0]), "cpu_ms_an_answer": cpu}
    return {
        "sizes": [{"width": wide, "height": tall, **pictures_cost(tall / 10)} for wide, tall in SIZES],
        "faces": [{"faces": number, **pictures_cost(5.0, hinted=number > 0)} for number in (0, 1)],
        "cameras": [{"cameras": number, **of_many, **seen} for number in (1, 2)],
        "clients": [{"clients": number, **of_many, **asked} for number in (1, 2)],
    }


def test_each_curve_has_a_table_with_a_figure_under_each_heading() -> None:
    made = tables(result())
    assert all(len(row) == len(table.columns) for table in made for row in table.rows)
    assert {row[0] for table in made for row in table.rows} == {"640×360", "1280×720", "0", "1", "2"}
    by_title = {table.title: table for table in made}
    faces = by_title["Growth: faces in a picture of 1280×720, in a live session, ms a frame"]
    assert [row[faces.columns.index("detector, hints only")] for row in faces.rows] == ["–", "5.0"]


def test_four_charts_are_drawn() -> None:
    drawn = ElementTree.fromstring(draw_report({"parts": {"scaling": result()}}))
    texts = [element.text or "" for element in drawn.iter() if element.tag.endswith("text")]
    assert sum(text.startswith(("Processor ms", "Ms a", "Ms an")) for text in texts) == 4
    circles = [element for element in drawn.iter() if element.tag.endswith("circle")]
    assert len(circles) == 3 * 2 + (2 + 2 + 1) + 2 * 2 + 2 * 2  # who isn't there has no hint
