"""Ends tasks that were cancelled, whatever a library makes of that."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cancellation_kept() -> Iterator[None]:
    """Raise ``CancelledError`` at the end of the block if the task was cancelled meanwhile.

    In Python 3.11 ``asyncio.wait_for`` gives the result instead where that comes at the same moment (bpo-42130), and
    redis-py writes through it: a task that reads again and again would never end, and a service that awaits its end
    wouldn't stop.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
