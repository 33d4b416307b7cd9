from typing import Any

import pytest

from bench.targets import Promise, promises, table


def stream(cameras: int, age_ms: float | None = 40.0, shares: tuple[float, float] = (1.0, 1.0)) -> dict[str, Any]:
    return {
        "cameras": cameras,
        "age_ms": {"p95": age_ms},
        "new_face_ms": {"worst": 250.0},
        "new_faces_missed": 0,
        "cpu_ms_a_frame": {"detector": 10.0, "gateway": 3.0},
        "analysed_share": {"all": shares[0], "least_of_a_camera": shares[1]},
    }


def by_what(parts: dict[str, Any]) -> dict[str, bool | None]:
    return {one.what: one.held for one in promises(parts)}


def test_a_bound_is_held_on_its_good_side_only() -> None:
    assert Promise("", 50, 50).held
    assert not Promise("", 50, 51).held
    assert Promise("", 99, 99.5, at_least=True).held
    assert not Promise("", 99, 98.0, at_least=True).held
    assert Promise("", 99, None).held is None


def test_what_was_not_measured_is_not_judged() -> None:
    assert promises({}) == []
    assert promises({"stream": {"by_cameras": [stream(2)]}}) == []


def test_one_camera_and_six_have_bounds_of_their_own() -> None:
    held = by_what({"stream": {"by_cameras": [stream(1, age_ms=60), stream(6, age_ms=60)]}})
    assert held["1 camera, age of results, ms p95"] is False
    assert held["6 cameras, age of results, ms p95"] is True
    assert held["1 camera, detector and gateway at 30 frames/s, % of a core"] is True


def test_twelve_cameras_must_be_served_alike() -> None:
    what = "12 cameras, the worst served beside the mean, %"
    assert by_what({"stream": {"by_cameras": [stream(12, shares=(0.4, 0.39))]}}) == {what: True}
    assert by_what({"stream": {"by_cameras": [stream(12, shares=(0.4, 0.1))]}}) == {what: False}
    assert by_what({"stream": {"by_cameras": [stream(12, shares=(0.0, 0.0))]}}) == {what: None}


@pytest.mark.parametrize(("added_ms", "held"), [(3.0, "held"), (5.0, "not held"), (None, "–")])
def test_the_table_says_what_was_measured(added_ms: float | None, held: str) -> None:
    path = {"post": {"over_floor": {"p50": 1.1, "p99": 2.1}}, "live": {"added_ms": {"p50": added_ms}}}
    rows = table(promises({"overhead": path})).rows
    assert [row[-1] for row in rows] == ["held", "not held", held]
    assert rows[0][:3] == ("POST /predict over the floor, p50", "≤ 1.25", "1.10")


def test_starts_and_memory_have_bounds() -> None:
    parts = {
        "start": {"gateway": {"bytecode": {"p50": 1.4}, "source": {"p50": 3.0}}, "capture": {"bytecode": {"p50": 1.6}}},
        "memory": {"growth": {"redis": 0.0, "detector": 0.06}},
    }
    assert by_what(parts) == {
        "gateway is ready, s p50": True,
        "capture is ready, s p50": False,
        "redis, growth of its memory, %": True,
        "detector, growth of its memory, %": False,
    }
