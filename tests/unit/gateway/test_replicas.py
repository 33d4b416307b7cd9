from services.gateway.replicas import SHUNNED_AT_MOST_S, SHUNNED_S, Replicas

BOTH = ("10.0.0.1", "10.0.0.2")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def chosen(replicas: Replicas, times: int = 1) -> list[str]:
    return [replicas.choose(BOTH).address for _ in range(times)]


def test_equal_servers_take_turns() -> None:
    assert chosen(Replicas(), 4) == [*BOTH, *BOTH]


def test_the_one_with_less_to_do_is_next() -> None:
    replicas = Replicas()
    replicas.choose(BOTH).under_way = 3
    assert chosen(replicas, 3) == [BOTH[1]] * 3


def test_one_that_failed_is_passed_over_and_then_tried_by_one_request() -> None:
    clock = Clock()
    replicas = Replicas(clock)
    first = replicas.choose(BOTH)
    replicas.failed(first)
    assert chosen(replicas, 3) == [BOTH[1]] * 3
    clock.now += SHUNNED_S
    busy = replicas.choose(BOTH[1:])
    busy.under_way = 5
    trial = replicas.choose(BOTH)
    assert trial is first
    trial.under_way += 1
    assert chosen(replicas, 3) == [BOTH[1]] * 3
    trial.under_way -= 1
    replicas.answered(trial)
    assert chosen(replicas) == [BOTH[0]]


def test_one_that_fails_on_and_on_is_passed_over_longer_but_not_for_good() -> None:
    clock = Clock()
    replicas = Replicas(clock)
    first = replicas.choose(BOTH)
    for _ in range(20):
        replicas.failed(first)
    clock.now += SHUNNED_AT_MOST_S - 0.1
    assert chosen(replicas, 2) == [BOTH[1]] * 2
    clock.now += 0.1
    assert BOTH[0] in chosen(replicas, 2)


def test_where_all_fail_all_are_tried() -> None:
    replicas = Replicas(Clock())
    for address in BOTH:
        replicas.failed(replicas.choose([address]))
    assert set(chosen(replicas, 2)) == set(BOTH)


def test_addresses_that_come_and_go_are_followed() -> None:
    replicas = Replicas()
    assert replicas.choose(BOTH[:1]).address == BOTH[0]
    assert replicas.choose(BOTH).address == BOTH[1]
    assert replicas.choose(BOTH[:1]).address == BOTH[0]
