import asyncio
import gc
import weakref

from services.runtime.process import collect_garbage


class Picture:
    def __init__(self) -> None:
        self.itself = self


async def test_what_is_left_in_a_cycle_goes() -> None:
    gc.disable()
    collecting = asyncio.create_task(collect_garbage(every_s=0.001))
    try:
        gone = asyncio.Event()
        weakref.finalize(Picture(), gone.set)
        async with asyncio.timeout(30):
            await gone.wait()
    finally:
        collecting.cancel()
        gc.enable()
