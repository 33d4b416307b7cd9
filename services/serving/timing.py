"""How something ended, and after how long."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from services.serving.errors import ServingError


@contextmanager
def timed(record: Callable[[grpc.StatusCode, float], None]) -> Iterator[None]:
    """Hand the status and the seconds on, whatever happens.

    A ServingError that passes gives its status; what is cut off is CANCELLED.
    """
    started = time.perf_counter()
    code = grpc.StatusCode.CANCELLED
    try:
        yield
        code = grpc.StatusCode.OK
    except ServingError as error:
        code = error.code
        raise
    finally:
        record(code, time.perf_counter() - started)
