import pytest

from training.speed import was_held_up


@pytest.mark.parametrize(
    ("worked_s", "held_up"), [(10.0, False), (10.4, False), (9.5, False), (8.5, True), (1.0, True)]
)
def test_who_waited_for_a_core_was_held_up(worked_s: float, held_up: bool) -> None:
    assert was_held_up(worked_s, passed_s=10.0) is held_up
