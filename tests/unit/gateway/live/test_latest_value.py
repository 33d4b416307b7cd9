import asyncio

import pytest

from services.gateway.live.latest_value import ClosedError, LatestValue


async def test_newest_value_wins_and_each_is_returned_once() -> None:
    dropped: list[None] = []
    slot: LatestValue[int] = LatestValue(lambda: dropped.append(None))
    slot.put(1)
    slot.put(2)
    assert (await slot.get(), slot.get_nowait(), len(dropped)) == (2, None, 1)
    slot.put(3)
    assert slot.replace_if_newer(2) == 3
    assert slot.replace_if_newer(3) == 3
    assert len(dropped) == 2


async def test_closing_wakes_the_consumer() -> None:
    slot: LatestValue[int] = LatestValue()
    waiting = asyncio.create_task(slot.get())
    await asyncio.sleep(0)
    slot.close()
    with pytest.raises(ClosedError):
        await waiting
