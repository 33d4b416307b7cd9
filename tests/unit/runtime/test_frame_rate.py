import random

import pytest

from services.runtime.frame_rate import FrameRateLimiter, FrameSchedule


def test_schedule_does_not_drift_when_work_takes_time() -> None:
    schedule = FrameSchedule(10)
    now, starts = 50.0, []
    for _ in range(100):
        now += schedule.wait_s(now)
        starts.append(now)
        now += 0.03
    assert starts[0] == 50.0
    assert starts[-1] == pytest.approx(50.0 + 99 * 0.1)


def test_missed_due_times_are_skipped() -> None:
    schedule = FrameSchedule(10)
    schedule.wait_s(0.0)
    assert schedule.wait_s(0.35) == 0.0
    assert schedule.wait_s(0.36) == pytest.approx(0.04)


def allowed(camera_fps: float, limit_fps: float, jitter_s: float = 0.0, seconds: float = 20.0) -> int:
    rng = random.Random(1)
    limiter = FrameRateLimiter(limit_fps)
    count = round(camera_fps * seconds)
    return sum(limiter.allow(7.0 + i / camera_fps + rng.uniform(-jitter_s, jitter_s)) for i in range(count))


def test_faster_camera_is_limited() -> None:
    assert allowed(60, 30) == pytest.approx(600, abs=2)
    assert allowed(50, 20) == pytest.approx(400, abs=2)


def test_camera_at_the_limit_loses_no_frame_to_jitter() -> None:
    assert allowed(30, 30, jitter_s=0.004) == 600


def test_slower_camera_loses_no_frame() -> None:
    assert allowed(15, 30, jitter_s=0.01) == 300


def test_pause_allows_no_burst() -> None:
    limiter = FrameRateLimiter(10)
    assert limiter.allow(0.0)
    burst = [limiter.allow(100.0 + i * 0.01) for i in range(10)]
    assert sum(burst) <= 2


def test_limiter_without_a_rate_allows_every_frame() -> None:
    limiter = FrameRateLimiter(None)
    assert all(limiter.allow(at_s) for at_s in (0.0, 0.0, 0.001, 5.0, 1.0))


def test_limiter_restarts_when_the_clock_is_set_back() -> None:
    limiter = FrameRateLimiter(10)
    assert limiter.allow(100.0)
    assert limiter.allow(50.0)
    assert not limiter.allow(50.05)
    assert limiter.allow(50.1)
