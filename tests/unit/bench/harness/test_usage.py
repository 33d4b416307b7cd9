import pytest

from bench.harness.usage import Moment, others_cores


def test_others_are_what_is_not_ours() -> None:
    assert others_cores(Moment(10, 100, 40), Moment(20, 115, 50)) == pytest.approx(0.5)


def test_a_clock_that_counts_coarsely_makes_no_negative_work() -> None:
    assert others_cores(Moment(10, 100, 40), Moment(20, 110, 50.02)) == 0
