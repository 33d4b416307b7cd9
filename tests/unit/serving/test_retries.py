import pytest

from services.serving.retries import Failure, RetryRule

OLD, NEW = frozenset({("a", 1, 1)}), frozenset({("a", 2, 1)})
RULE = RetryRule(retries=2, interval_s=10)


@pytest.mark.parametrize(("now", "blocked"), [(100.0, True), (109.9, True), (110.0, False)])
def test_a_version_is_tried_again_after_the_interval(now: float, blocked: bool) -> None:
    assert RULE.is_blocked(Failure(1, 100.0, OLD), OLD, now) is blocked


def test_a_version_is_given_up_after_the_last_retry_until_its_files_change() -> None:
    failure = None
    for _ in range(3):
        failure = RULE.after(failure, OLD, 100.0)
    assert failure == Failure(3, 100.0, OLD)
    assert RULE.is_blocked(failure, OLD, 1e9)
    assert not RULE.is_blocked(failure, NEW, 100.0)
    assert RULE.after(failure, NEW, 101.0) == Failure(1, 101.0, NEW)


def test_when_to_look_again() -> None:
    failures = {1: Failure(1, 100.0, OLD), 2: Failure(1, 95.0, OLD), 3: Failure(3, 0.0, OLD)}
    assert RULE.seconds_until_next(failures, 101.0) == 4.0
    assert RULE.seconds_until_next(failures, 200.0) == 0.0
    assert RULE.seconds_until_next({3: failures[3]}, 101.0) is None
