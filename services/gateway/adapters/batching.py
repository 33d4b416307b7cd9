"""Batches the faces of concurrent requests into one model call: a row of a batch costs half of a call of its own."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.protocols import Deadline, EmotionModel, EmotionScores

MAX_BATCH_SIZE = 32
"""Most faces of a batch. A request with more faces is a batch of its own."""


@dataclass(frozen=True, eq=False)
class _PendingRequest:
    faces: NDArray[np.float32]
    deadline: Deadline
    version: int | None
    scores: asyncio.Future[EmotionScores]


class BatchingModel:
    """An ``EmotionModel`` that limits the concurrent calls of another one.

    A request below the limit is sent at once, so batching adds no latency. The others are queued until a call ends,
    and are then sent as one batch.
    """

    def __init__(self, model: EmotionModel, max_concurrent_calls: int) -> None:
        self._model = model
        self._max_concurrent_calls = max_concurrent_calls
        self._in_flight = 0
        self._queue: deque[_PendingRequest] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def infer(self, faces: NDArray[np.float32], deadline: Deadline, version: int | None = None) -> EmotionScores:
        """Return the scores of all faces of an image."""
        if self._in_flight >= self._max_concurrent_calls:
            return await self._enqueue(faces, deadline, version)
        self._in_flight += 1
        try:
            return await self._model.infer(faces, deadline, version)
        finally:
            self._on_call_done()

    async def versions(self) -> tuple[int, ...]:
        return await self._model.versions()

    async def check(self) -> str:
        return await self._model.check()

    async def _enqueue(self, faces: NDArray[np.float32], deadline: Deadline, version: int | None) -> EmotionScores:
        seconds = deadline.remaining_s()
        scores: asyncio.Future[EmotionScores] = asyncio.get_running_loop().create_future()
        self._queue.append(_PendingRequest(faces, deadline, version, scores))
        try:
            async with asyncio.timeout(seconds):
                return await scores
        except TimeoutError as error:
            raise ServiceError(
                ProblemKind.DEPENDENCY_TIMEOUT, f"The model took longer than {seconds:.2g} s", dependency="model"
            ) from error

    def _on_call_done(self) -> None:
        self._in_flight -= 1
        batch = self._next_batch()
        if not batch:
            return
        self._in_flight += 1
        task = asyncio.get_running_loop().create_task(self._run_batch(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next_batch(self) -> list[_PendingRequest]:
        batch: list[_PendingRequest] = []
        size = 0
        while self._queue:
            request = self._queue[0]
            if batch and (size + len(request.faces) > MAX_BATCH_SIZE or request.version != batch[0].version):
                break
            self._queue.popleft()
            if not request.scores.done():  # a cancelled request needs no scores
                batch.append(request)
                size += len(request.faces)
        return batch

    async def _run_batch(self, batch: Sequence[_PendingRequest]) -> None:
        # Each request watches its own deadline in _enqueue. The call gets the latest of them.
        deadline = max((request.deadline for request in batch), key=lambda deadline: deadline.at_s)
        try:
            faces = np.concatenate([request.faces for request in batch])
            scores = await self._model.infer(faces, deadline, batch[0].version)
        except ServiceError as error:
            for request in batch:
                # An exception object holds one traceback, so each request gets its own.
                _fail(request, ServiceError(error.problem.kind, error.problem.detail, **error.problem.extensions))
        except Exception as error:
            for request in batch:
                _fail(request, error)
        else:
            first = 0
            for request in batch:
                rows = slice(first, first := first + len(request.faces))
                if not request.scores.done():
                    request.scores.set_result(
                        EmotionScores(scores.probabilities[rows], scores.reliable[rows], scores.version)
                    )
        finally:
            self._on_call_done()


def _fail(request: _PendingRequest, error: Exception) -> None:
    if not request.scores.done():
        request.scores.set_exception(error)
        request.scores.exception()  # marks it as retrieved, in case the caller is cancelled first
