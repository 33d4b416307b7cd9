import asyncio
import socket
import threading
from collections.abc import Sequence

import pytest

from services.gateway.adapters.load_balancing import EJECTION_S, MAX_EJECTION_S, CachingResolver, Replicas

GONE = socket.gaierror(socket.EAI_NONAME, "no such name")


class FakeResolver:
    """Returns the given answers in order; ``go`` holds a lookup back."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self._answers = list(answers)
        self.lookups = 0
        self.go = threading.Event()
        self.go.set()

    def __call__(self, host: str) -> Sequence[str]:
        assert host == "detector"
        self.lookups += 1
        self.go.wait(10)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer


async def until_resolved(resolver: FakeResolver, times: int) -> None:
    async with asyncio.timeout(10):
        while resolver.lookups < times:  # noqa: ASYNC110 - asked in a thread
            await asyncio.sleep(0.001)


async def test_concurrent_lookups_are_coalesced_and_cached() -> None:
    resolver = FakeResolver(["10.0.0.1", "10.0.0.2", "10.0.0.1"])
    lookup = CachingResolver("detector", resolver)
    answers = await asyncio.gather(*(lookup.addresses() for _ in range(5)))
    assert answers == [("10.0.0.1", "10.0.0.2")] * 5
    await lookup.addresses()
    assert resolver.lookups == 1


async def test_expired_addresses_are_returned_while_they_are_refreshed() -> None:
    resolver = FakeResolver(["10.0.0.1"], ["10.0.0.2"])
    lookup = CachingResolver("detector", resolver, ttl_s=0)
    assert await lookup.addresses() == ("10.0.0.1",)
    resolver.go.clear()
    assert await lookup.addresses() == ("10.0.0.1",)
    resolver.go.set()
    async with asyncio.timeout(10):
        while await lookup.addresses() != ("10.0.0.2",):  # noqa: ASYNC110 - looked up in a thread
            await asyncio.sleep(0.001)


async def test_a_host_that_disappears_and_returns() -> None:
    lookup = CachingResolver("detector", FakeResolver(GONE, ["10.0.0.7"]))
    with pytest.raises(socket.gaierror):
        await lookup.addresses()
    assert await lookup.addresses() == ("10.0.0.7",)


async def test_invalidated_addresses_are_resolved_before_they_are_used() -> None:
    lookup = CachingResolver("detector", FakeResolver(["10.0.0.1"], ["10.0.0.2"]))
    assert await lookup.addresses() == ("10.0.0.1",)
    lookup.invalidate()
    assert await lookup.addresses() == ("10.0.0.2",)


async def test_a_temporary_failure_keeps_the_cached_addresses() -> None:
    resolver = FakeResolver(["10.0.0.1"], socket.gaierror(socket.EAI_AGAIN, "try again"))
    lookup = CachingResolver("detector", resolver, ttl_s=0)
    await lookup.addresses()
    for times in (2, 3):
        assert await lookup.addresses() == ("10.0.0.1",)
        await until_resolved(resolver, times)
        await asyncio.sleep(0.01)


async def test_a_lookup_that_hangs_times_out() -> None:
    resolver = FakeResolver(["10.0.0.1"])
    lookup = CachingResolver("detector", resolver, timeout_s=0.02)
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


def test_equal_servers_are_chosen_in_turn() -> None:
    assert chosen(Replicas(), 4) == [*BOTH, *BOTH]


def test_the_server_with_fewest_requests_is_next() -> None:
    replicas = Replicas()
    replicas.choose(BOTH).in_flight = 3
    assert chosen(replicas, 3) == [BOTH[1]] * 3


def test_a_failed_server_is_ejected_and_then_tried_by_one_request() -> None:
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


def test_repeated_failures_lengthen_the_ejection_up_to_a_maximum() -> None:
    clock = Clock()
    replicas = Replicas(clock)
    first = replicas.choose(BOTH)
    for _ in range(20):
        replicas.record_failure(first)
    clock.now += MAX_EJECTION_S - 0.1
    assert chosen(replicas, 2) == [BOTH[1]] * 2
    clock.now += 0.1
    assert BOTH[0] in chosen(replicas, 2)


def test_all_servers_are_tried_if_all_have_failed() -> None:
    replicas = Replicas(Clock())
    for address in BOTH:
        replicas.record_failure(replicas.choose([address]))
    assert set(chosen(replicas, 2)) == set(BOTH)


def test_changed_addresses_are_used() -> None:
    replicas = Replicas()
    assert replicas.choose(BOTH[:1]).address == BOTH[0]
    assert replicas.choose(BOTH).address == BOTH[1]
    assert replicas.choose(BOTH[:1]).address == BOTH[0]
