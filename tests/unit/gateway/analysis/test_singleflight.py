import asyncio

import pytest

from services.contracts.problems import ServiceError
from services.gateway.analysis.singleflight import SingleFlight
from services.runtime.limits import ConcurrencyLimit


async def test_callers_at_the_same_time_share_one_call() -> None:
    shared: SingleFlight[str, int] = SingleFlight()
    calls = 0

    async def work() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return calls

    assert await asyncio.gather(*(shared.run("a", work) for _ in range(10))) == [1] * 10
    assert await shared.run("a", work) == 2


async def test_an_error_reaches_all_and_is_forgotten() -> None:
    shared: SingleFlight[str, int] = SingleFlight()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise KeyError("x")

    async def succeed() -> int:
        return 7

    outcomes = await asyncio.gather(*(shared.run("a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [KeyError] * 3
    assert await shared.run("a", succeed) == 7


async def test_one_who_goes_away_takes_nothing_from_the_others() -> None:
    shared: SingleFlight[str, str] = SingleFlight()
    go = asyncio.Event()

    async def work() -> str:
        await go.wait()
        return "done"

    leaver = asyncio.create_task(shared.run("a", work))
    stayer = asyncio.create_task(shared.run("a", work))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.sleep(0)
    go.set()
    assert await stayer == "done"
    assert leaver.cancelled()


async def test_predictions_beyond_the_limit_are_refused_until_one_ends() -> None:
    limit = ConcurrencyLimit(1)
    first = limit()
    await anext(first)
    with pytest.raises(ServiceError) as refused:
        await anext(limit())
    assert refused.value.problem.kind.status == 503
    with pytest.raises(StopAsyncIteration):
        await anext(first)
    await anext(limit())
    assert limit.in_flight == 1
