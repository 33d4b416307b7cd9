from typing import Any

import pytest

from bench.targets import Target, table, targets_of


def stream(cameras: int, age_ms: float | None = 40.0, shares: tuple[float, float] = (1.0, 1.0)) -> dict[str, Any]:
    return {
        "cameras": cameras,
        "age_ms": {"p95": age_ms},
        "new_face_ms": {"worst": 250.0},
        "new_faces_missed": 0,
        "cpu_ms_per_frame": {"detector": 10.0, "gateway": 3.0},
        "analysed_share": {"all": shares[0], "min_of_a_camera": shares[1]},
    }


def by_name(parts: dict[str, Any]) -> dict[str, bool | None]:
    return {one.name: one.is_met for one in targets_of(parts)}


def test_bound_is_a_maximum_or_a_minimum() -> None:
    assert Target("", 50, 50).is_met
    assert not Target("", 50, 51).is_met
    assert Target("", 99, 99.5, at_least=True).is_met
    assert not Target("", 99, 98.0, at_least=True).is_met
    assert Target("", 99, None).is_met is None


def test_no_targets_without_measurements() -> None:
    assert targets_of({}) == []
    assert targets_of({"stream": {"by_cameras": [stream(2)]}}) == []


def test_one_and_six_cameras_have_different_targets() -> None:
    met = by_name({"stream": {"by_cameras": [stream(1, age_ms=60), stream(6, age_ms=60)]}})
    assert met["1 camera, age of results, ms p95"] is False
    assert met["6 cameras, age of results, ms p95"] is True
    assert met["1 camera, detector and gateway at 30 frames/s, % of a core"] is True


def test_twelve_cameras_are_served_evenly() -> None:
    name = "12 cameras, least served camera relative to the mean, %"
    assert by_name({"stream": {"by_cameras": [stream(12, shares=(0.4, 0.39))]}}) == {name: True}
    assert by_name({"stream": {"by_cameras": [stream(12, shares=(0.4, 0.1))]}}) == {name: False}
    assert by_name({"stream": {"by_cameras": [stream(12, shares=(0.0, 0.0))]}}) == {name: None}


@pytest.mark.parametrize(("added_ms", "state"), [(3.0, "met"), (5.0, "not met"), (None, "–")])
def test_table_has_the_state_of_each_target(added_ms: float | None, state: str) -> None:
    path = {"post": {"over_baseline": {"p50": 1.1, "p99": 2.1}}, "live": {"added_ms": {"p50": added_ms}}}
    rows = table(targets_of({"overhead": path})).rows
    assert [row[-1] for row in rows] == ["met", "not met", state]
    assert rows[0][:3] == ("POST /predict relative to the baseline, p50", "≤ 1.25", "1.10")


def test_targets_of_start_and_memory() -> None:
    parts = {
        "start": {"gateway": {"bytecode": {"p50": 1.4}, "source": {"p50": 3.0}}, "capture": {"bytecode": {"p50": 1.6}}},
        "memory": {"growth": {"redis": 0.0, "detector": 0.06}},
    }
    assert by_name(parts) == {
        "gateway is ready, s p50": True,
        "capture is ready, s p50": False,
        "redis, growth of its memory, %": True,
        "detector, growth of its memory, %": False,
    }
