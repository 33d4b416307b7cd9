"""From a request to its answer, computed alone or together with others."""

from typing import Protocol, TypeVar

from services.serving.batcher import Batcher
from services.serving.joining import row_count
from services.serving.monitoring import Monitoring
from services.serving.servable import Servable
from services.serving.signature import Computation
from services.serving.together import Outputs
from services.serving.workers import Workers

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Call(Protocol[R_co]):
    """A request in the form of one interface."""

    def read(self, servable: Servable) -> Computation:
        """Return what is to be computed, or raise a ServingError."""

    def write(self, servable: Servable, computation: Computation, outputs: Outputs) -> R_co:
        """Return the answer."""


class Runner(Protocol):
    """Answers calls, beside the event loop."""

    async def run(self, servable: Servable, call: Call[R]) -> R:
        """Return the answer, or raise a ServingError."""

    def close(self) -> None:
        """Begin nothing more."""


class AloneRunner:
    """Computes each call by itself."""

    def __init__(self, workers: Workers, monitoring: Monitoring) -> None:
        self._workers = workers
        self._monitoring = monitoring

    async def run(self, servable: Servable, call: Call[R]) -> R:
        """Return the answer, or raise a ServingError."""
        return await self._workers.run(answer, servable, call, self._monitoring)

    def close(self) -> None:
        """Begin nothing more."""
        self._workers.close()


class BatchingRunner:
    """Computes calls together that have rows; the others alone."""

    def __init__(self, workers: Workers, batcher: Batcher, monitoring: Monitoring) -> None:
        self._workers = workers
        self._batcher = batcher
        self._monitoring = monitoring

    async def run(self, servable: Servable, call: Call[R]) -> R:
        """Return the answer, or raise a ServingError."""
        computation = await self._workers.run(call.read, servable)
        rows = row_count(computation)
        with self._monitoring.runtime(servable.name):
            if rows:
                outputs = await self._batcher.compute(servable, computation, rows)
            else:
                outputs = await self._workers.run(servable.compute, computation)
        return await self._workers.run(call.write, servable, computation, outputs)

    def close(self) -> None:
        """Begin nothing more."""
        self._batcher.close()
        self._workers.close()


def answer(servable: Servable, call: Call[R], monitoring: Monitoring) -> R:
    """Compute one call here and now.

    Raises:
        ServingError: The request doesn't fit the model, or the computation failed.
    """
    computation = call.read(servable)
    with monitoring.runtime(servable.name):
        outputs = servable.compute(computation)
    return call.write(servable, computation, outputs)
