"""The threads in which TensorFlow computes, beside the event loop."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from services.serving.errors import InternalError, ServingError

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger(__name__)


class Workers:
    """A bounded number of threads. A call that is cancelled while it waits for one is never begun."""

    def __init__(self, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, "predict")

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the function returns.

        Raises:
            ServingError: What the function raises; anything else is logged and becomes an InternalError.
        """
        future = self._executor.submit(function, *args, **kwargs)
        try:
            return await asyncio.wrap_future(future)
        except ServingError:
            raise
        except Exception as error:
            _log.exception("a call failed in a way that was not foreseen")
            raise InternalError("The server failed; the reason was logged.") from error

    def close(self) -> None:
        """Begin nothing more; what runs is left alone."""
        self._executor.shutdown(wait=False, cancel_futures=True)
