"""Who is admitted and who has to go; and deadlines by a clock of the test's own."""

import asyncio
import math
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from services.runtime.connections import ConnectionLimits, Connections, Rejections, TimedConnection

LIMITS = ConnectionLimits(max_connections=10, max_connections_per_client=3, local_reserve=2)


class FakeTransport(asyncio.Transport):
    unsent = 0
    closing = aborted = False

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.unsent


class FakeLoop:
    now = 100.0

    def time(self) -> float:
        return self.now


class FakeConnection(TimedConnection):
    def __init__(self, limits: ConnectionLimits = LIMITS) -> None:
        self.fake, self.fake_loop = FakeTransport(), FakeLoop()
        self.transport = self.fake
        self.loop = self.fake_loop  # type: ignore[assignment]  # only its clock is used
        self.limits = limits
        self.rejections = Rejections(CollectorRegistry())

    def on_deadline(self, now: float) -> None:  # noqa: ARG002 - as others need it
        self.fake.closing = True
        self.deadline = math.inf


@pytest.fixture
def connections() -> Connections:
    return Connections(LIMITS, Rejections(CollectorRegistry()), lambda host: host == "192.0.2.99")


def admit(connections: Connections, *hosts: str, working: bool = False) -> list[FakeConnection]:
    """Return the connections of these hosts that were admitted."""
    admitted = []
    for host in hosts:
        connection = FakeConnection()
        if connections.admit(connection, host):
            admitted.append(connection)
            if working:
                connections.mark_active(connection)
        else:
            connections.remove(connection)
    return admitted


def test_a_client_has_a_share(connections: Connections) -> None:
    first = admit(connections, *["192.0.2.1"] * 5)
    assert len(first) == 3
    assert len(admit(connections, *[f"2001:db8::{number}" for number in range(5)])) == 3, "one network"
    connections.remove(first[0])
    assert len(admit(connections, "192.0.2.1", "192.0.2.1")) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.99"])
def test_loopback_and_proxies_have_no_share(connections: Connections, host: str) -> None:
    assert len(admit(connections, *[host] * 9)) == 9


def test_over_the_limit_the_oldest_that_waits_is_cut_for_a_new_one(connections: Connections) -> None:
    hosts = [f"192.0.2.{number}" for number in range(10)]
    there = admit(connections, *hosts)
    for idle in there[:2]:  # they have brought a request
        connections.mark_active(idle)
        connections.mark_idle(idle)
    assert admit(connections, "192.0.2.50")
    assert [connection.fake.aborted for connection in there] == [False, False, True, *[False] * 7]


def test_where_all_are_at_work_others_are_refused_but_for_loopback(connections: Connections) -> None:
    admit(connections, *[f"192.0.2.{number}" for number in range(10)], working=True)
    assert not admit(connections, "192.0.2.50")
    assert len(admit(connections, *["127.0.0.1"] * 5, working=True)) == LIMITS.local_reserve


def test_a_successor_is_counted_in_place_of_a_connection(connections: Connections) -> None:
    first = admit(connections, *["192.0.2.1"] * 3)
    successor = FakeConnection()
    connections.replace(first[0], successor)
    assert len(connections) == 3
    connections.remove(first[0])
    assert len(connections) == 3
    connections.remove(successor)
    assert len(admit(connections, "192.0.2.1")) == 1


def test_in_a_full_process_a_connection_needs_the_place_of_another(connections: Connections) -> None:
    connections.full = True
    assert not admit(connections, "192.0.2.1")
    connections.full = False
    waiting = admit(connections, "192.0.2.1")[0]
    connections.full = True
    assert admit(connections, "192.0.2.2")
    assert waiting.fake.aborted


def test_deadlines_are_looked_at_in_turn(connections: Connections) -> None:
    (connection,) = admit(connections, "192.0.2.1")
    connection.deadline = 105.0
    connections.check_deadlines(104.9)
    assert not connection.fake.closing
    connections.check_deadlines(105.0)
    assert connection.fake.closing
    connections.check_deadlines(105.1)  # from here it may take close_s to send what is left
    connections.check_deadlines(105.1 + LIMITS.close_s - 0.1)
    assert not connection.fake.aborted
    connections.check_deadlines(105.1 + LIMITS.close_s)
    assert connection.fake.aborted


@pytest.mark.parametrize(
    ("resume", "aborted"), [(lambda connection: connection.resume_writing(), False), (lambda _: None, True)]
)
def test_what_is_not_taken_ends_the_connection(
    connections: Connections, resume: Callable[[FakeConnection], None], aborted: bool
) -> None:
    (connection,) = admit(connections, "192.0.2.1")
    connection.fake.unsent = 10 * LIMITS.min_bytes_per_s
    connection.pause_writing()
    connections.check_deadlines(100 + LIMITS.unsent_s + 9)
    assert not connection.fake.aborted
    resume(connection)
    connections.check_deadlines(100 + LIMITS.unsent_s + 10)
    assert connection.fake.aborted is aborted


def test_a_transfer_is_allowed_as_long_as_it_is_fast_enough() -> None:
    connection = FakeConnection()
    connection.start_timer(10)
    connection.fake_loop.now += 9
    connection.record_transfer(10 * LIMITS.min_bytes_per_s - 1, 10)
    assert connection.deadline == 110
    connection.record_transfer(1, 10)
    assert connection.deadline == 119
