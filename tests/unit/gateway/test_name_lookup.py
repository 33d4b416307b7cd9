import asyncio
import socket
import threading
from collections.abc import Sequence

import pytest

from services.gateway import name_lookup
from services.gateway.name_lookup import NameLookup

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
    lookup = NameLookup("detector", resolver)
    answers = await asyncio.gather(*(lookup.addresses() for _ in range(5)))
    assert answers == [("10.0.0.1", "10.0.0.2")] * 5
    await lookup.addresses()
    assert resolver.asked == 1


async def test_known_addresses_serve_while_they_are_looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lookup, "FRESH_S", 0)
    resolver = FakeResolver(["10.0.0.1"], ["10.0.0.2"])
    lookup = NameLookup("detector", resolver)
    assert await lookup.addresses() == ("10.0.0.1",)
    resolver.go.clear()
    assert await lookup.addresses() == ("10.0.0.1",)
    resolver.go.set()
    async with asyncio.timeout(10):
        while await lookup.addresses() != ("10.0.0.2",):  # noqa: ASYNC110 - looked up in a thread
            await asyncio.sleep(0.001)


async def test_a_name_that_is_gone_and_comes_back() -> None:
    lookup = NameLookup("detector", FakeResolver(GONE, ["10.0.0.7"]))
    with pytest.raises(socket.gaierror):
        await lookup.addresses()
    assert await lookup.addresses() == ("10.0.0.7",)


async def test_addresses_where_nobody_was_found_are_looked_up_before_they_are_used_again() -> None:
    lookup = NameLookup("detector", FakeResolver(["10.0.0.1"], ["10.0.0.2"]))
    assert await lookup.addresses() == ("10.0.0.1",)
    lookup.forget()
    assert await lookup.addresses() == ("10.0.0.2",)


async def test_a_resolver_that_cannot_tell_leaves_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lookup, "FRESH_S", 0)
    resolver = FakeResolver(["10.0.0.1"], socket.gaierror(socket.EAI_AGAIN, "try again"))
    lookup = NameLookup("detector", resolver)
    await lookup.addresses()
    for times in (2, 3):
        assert await lookup.addresses() == ("10.0.0.1",)
        await until_asked(resolver, times)
        await asyncio.sleep(0.01)


async def test_a_lookup_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lookup, "GIVEN_UP_AFTER_S", 0.02)
    resolver = FakeResolver(["10.0.0.1"])
    lookup = NameLookup("detector", resolver)
    resolver.go.clear()
    with pytest.raises(TimeoutError):
        await lookup.addresses()
    resolver.go.set()
    assert await lookup.addresses() == ("10.0.0.1",)
