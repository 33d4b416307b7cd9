from services.capture.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 3.0, random=lambda: 1.0)
    assert [backoff.next_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_chance_shortens_a_wait_by_up_to_a_half() -> None:
    backoff = Backoff(1.0, 8.0, random=lambda: 0.0)
    assert [backoff.next_s() for _ in range(3)] == [0.5, 1.0, 2.0]


def test_after_a_reset_waits_are_short_again() -> None:
    backoff = Backoff(1.0, 8.0, random=lambda: 1.0)
    backoff.next_s()
    backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 1.0
