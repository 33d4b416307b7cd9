import pytest

from services.capture.stats import RateMeter


def test_rate_covers_the_window() -> None:
    meter = RateMeter(now_s=0.0, window_s=5.0)
    assert meter.per_second(0.5) == 0.0
    for i in range(100):
        meter.count(i / 10)
    assert meter.per_second(10.0) == pytest.approx(10, abs=0.2)
    assert meter.per_second(12.5) == pytest.approx(5, abs=0.3)
    assert meter.per_second(20.0) == 0.0


def test_rate_of_a_new_meter_covers_its_lifetime() -> None:
    meter = RateMeter(now_s=0.0, window_s=5.0)
    for i in range(60):
        meter.count(i / 30)
    assert meter.per_second(2.0) == pytest.approx(30, abs=1)
