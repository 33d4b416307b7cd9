import asyncio
import socket
import threading
from collections.abc import Sequence

import pytest

from services.gateway.adapters import load_balancing
from services.gateway.adapters.load_balancing import EJECTION_S, MAX_EJECTION_S, CachingResolver, Replicas

GONE = socket.gaierror(socket.EAI_NONAME, "no such name")


class FakeResolver:
    """Answers with what it is told, once it is let go on."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self._answers = list(answers)
        self.asked = 0
        self.go = threading.Event()
        self.go.set()

    def __call__(self, host: str) -> Sequence[str]:
        assert host == "detector"
        self.asked += 1
        self.go.wait(10)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer


async def until_asked(resolver: FakeResolver, times: int) -> None:
    async with asyncio.timeout(10):
        while resolver.asked < times:  # noqa: ASYNC110 - asked in a thread
            await asyncio.sleep(0.001)


async def test_those_who_ask_together_share_a_lookup_and_the_answer_is_kept() -> None:
    resolver = FakeResolver(["10.0.0.1", "10.0.0.2", "10.0.0.1"])
    lookup = CachingResolver("detector", resolver)
    answers = await asyncio.gather(*(lookup.addresses() for _ in range(5)))
    assert answers == [("10.0.0.1", "10.0.0.2")] * 5
    await lookup.addresses()
    assert resolver.asked == 1


async def test_known_addresses_serve_while_they_are_looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_balancing, "TTL_S", 0)
    resolver = FakeResolver(["10.0.0.1"], ["10.0.0.2"])
    lookup = CachingResolver("detector", resolver)
    assert await lookup.addresses() == ("10.0.0.1",)
    resolver.go.clear()
    assert await lookup.addresses() == ("10.0.0.1",)
    resolver.go.set()
    async with asyncio.timeout(10):
        while await lookup.addresses() != ("10.0.0.2",):  # noqa: ASYNC110 - looked up in a thread
            await asyncio.sleep(0.001)


async def test_a_name_that_is_gone_and_comes_back() -> None:
    lookup = CachingResolver("detector", FakeResolver(GONE, ["10.0.0.7"]))
    with pytest.raises(socket.gaierror):
        await lookup.addresses()
    assert await lookup.addresses() == ("10.0.0.7",)


async def test_addresses_where_nobody_was_found_are_looked_up_before_they_are_used_again() -> None:
    lookup = CachingResolver("detector", FakeResolver(["10.0.0.1"], ["10.0.0.2"]))
    assert await lookup.addresses() == ("10.0.0.1",)
    lookup.invalidate()
    assert await lookup.addresses() == ("10.0.0.2",)


async def test_a_resolver_that_cannot_tell_leaves_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_balancing, "TTL_S", 0)
    resolver = FakeResolver(["10.0.0.1"], socket.gaierror(socket.EAI_AGAIN, "try again"))
    lookup = CachingResolver("detector", resolver)
    await lookup.addresses()
    for times in (2, 3):
        assert await lookup.addresses() == ("10.0.0.1",)
        await until_asked(resolver, times)
        await asyncio.sleep(0.01)


async def test_a_lookup_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_balancing, "RESOLVE_TIMEOUT_S", 0.02)
    resolver = FakeResolver(["10.0.0.1"])
    lookup = CachingResolver("detector", resolver)
    resolver.go.clear()
    with pytest.raises(TimeoutError):
        await lookup.addresses()
    resolver.go.set()
    assert await lookup.addresses() == ("10.0.0.1",)


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
    replicas.choose(BOTH).in_flight = 3
    assert chosen(replicas, 3) == [BOTH[1]] * 3


def test_one_that_failed_is_passed_over_and_then_tried_by_one_request() -> None:
    clock = Clock()
    replicas = Replicas(clock)
    first = replicas.choose(BOTH)
    replicas.record_failure(first)
    assert chosen(replicas, 3) == [BOTH[1]] * 3
    clock.now += EJECTION_S
    busy = replicas.choose(BOTH[1:])
    busy.in_flight = 5
    trial = replicas.choose(BOTH)
    assert trial is first
    trial.in_flight += 1
    assert chosen(replicas, 3) == [BOTH[1]] * 3
    trial.in_flight -= 1
    replicas.record_success(trial)
    assert chosen(replicas) == [BOTH[0]]


def test_one_that_fails_on_and_on_is_passed_over_longer_but_not_for_good() -> None:
    clock = Clock()
    replicas = Replicas(clock)
    first = replicas.choose(BOTH)
    for _ in range(20):
        replicas.record_failure(first)
    clock.now += MAX_EJECTION_S - 0.1
    assert chosen(replicas, 2) == [BOTH[1]] * 2
    clock.now += 0.1
    assert BOTH[0] in chosen(replicas, 2)


def test_where_all_fail_all_are_tried() -> None:
    replicas = Replicas(Clock())
    for address in BOTH:
        replicas.record_failure(replicas.choose([address]))
    assert set(chosen(replicas, 2)) == set(BOTH)


def test_addresses_that_come_and_go_are_followed() -> None:
    replicas = Replicas()
    assert replicas.choose(BOTH[:1]).address == BOTH[0]
    assert replicas.choose(BOTH).address == BOTH[1]
    assert replicas.choose(BOTH[:1]).address == BOTH[0]
