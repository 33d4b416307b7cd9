import random

import pytest

from services.capture.stats import RateMeter
from services.runtime.frame_rate import Pace


def test_marks_do_not_drift_when_work_takes_time() -> None:
    pace = Pace(10)
    now, starts = 50.0, []
    for _ in range(100):
        now += pace.wait_s(now)
        starts.append(now)
        now += 0.03
    assert starts[0] == 50.0
    assert starts[-1] == pytest.approx(50.0 + 99 * 0.1)


def test_marks_missed_are_left_out_and_the_grid_is_kept() -> None:
    pace = Pace(10)
    pace.wait_s(0.0)
    assert pace.wait_s(0.35) == 0.0  # late: at once
    assert pace.wait_s(0.36) == pytest.approx(0.04)  # then the grid again


def admitted(camera_fps: float, limit_fps: float, jitter_s: float = 0.0, seconds: float = 20.0) -> int:
    chance = random.Random(1)
    pace = Pace(limit_fps)
    count = round(camera_fps * seconds)
    return sum(pace.admits(7.0 + i / camera_fps + chance.uniform(-jitter_s, jitter_s)) for i in range(count))


def test_a_faster_camera_is_held_to_the_limit() -> None:
    assert admitted(60, 30) == pytest.approx(600, abs=2)
    assert admitted(50, 20) == pytest.approx(400, abs=2)


def test_a_camera_at_the_limit_loses_nothing_to_its_jitter() -> None:
    assert admitted(30, 30, jitter_s=0.004) == 600


def test_a_slower_camera_loses_nothing() -> None:
    assert admitted(15, 30, jitter_s=0.01) == 300


def test_a_pause_is_not_made_up_for() -> None:
    pace = Pace(10)
    assert pace.admits(0.0)
    burst = [pace.admits(100.0 + i * 0.01) for i in range(10)]
    assert sum(burst) <= 2


def test_the_rate_is_of_the_last_seconds() -> None:
    meter = RateMeter(now=0.0, window_s=5.0)
    assert meter.per_second(0.5) == 0.0
    for i in range(100):
        meter.count(i / 10)
    assert meter.per_second(10.0) == pytest.approx(10, abs=0.2)
    assert meter.per_second(12.5) == pytest.approx(5, abs=0.3)
    assert meter.per_second(20.0) == 0.0


def test_a_young_meter_measures_over_its_own_life() -> None:
    meter = RateMeter(now=0.0, window_s=5.0)
    for i in range(60):
        meter.count(i / 30)
    assert meter.per_second(2.0) == pytest.approx(30, abs=1)
