import pytest

from training.schedule import Trapezoid


def rates(total: int) -> list[float]:
    schedule = Trapezoid(0.4, warmup_steps=4, decay_steps=5, total_steps=total)
    return [float(schedule(step)) for step in range(total)]


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    assert rates(13) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.32, 0.24, 0.16, 0.08])


def test_until_it_falls_the_length_of_the_run_makes_no_difference() -> None:
    assert rates(13)[:8] == rates(30)[:8]
