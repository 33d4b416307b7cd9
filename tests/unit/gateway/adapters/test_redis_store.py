import asyncio
from contextlib import suppress

import pytest

from services.gateway.adapters.redis_store import propagate_cancellation


async def deaf(outcome: Exception | None = None) -> str:
    """Do what ``asyncio.wait_for`` of Python 3.11 may do: go on as if nobody had cancelled."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    if outcome is not None:
        raise outcome
    return "heard nothing"


async def kept(outcome: Exception | None = None) -> str:
    with propagate_cancellation():
        return await deaf(outcome)


@pytest.mark.parametrize("outcome", [None, OSError("the connection is gone")])
async def test_a_cancelled_task_ends(outcome: Exception | None) -> None:
    task = asyncio.create_task(kept(outcome))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_timeout_stays_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await kept()


async def test_a_task_cancelled_before_the_block_may_clean_up() -> None:
    tidied = []

    async def tidying() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            with propagate_cancellation():
                tidied.append("all")

    task = asyncio.create_task(tidying())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert tidied == ["all"]
    assert task.cancelled()


async def test_results_and_errors_pass_through() -> None:
    with propagate_cancellation():
        answer = await asyncio.sleep(0, "answer")
    assert answer == "answer"
    with pytest.raises(OSError, match="gone"), propagate_cancellation():
        raise OSError("gone")
