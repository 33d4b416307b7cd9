"""Faces that wait for the model go there together, since a row of a batch costs half of what a call by itself does."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.protocols import Deadline, EmotionModel, EmotionScores

MOST_FACES = 32
"""Faces that go together; whoever brings more goes alone."""


@dataclass(frozen=True, eq=False)
class _Waiting:
    faces: NDArray[np.float32]
    by: Deadline
    version: int | None
    scores: asyncio.Future[EmotionScores]


class JoinedModel:
    """An ``EmotionModel`` that makes few calls of another one at a time.

    While fewer are under way, faces go there at once, so that joining delays nobody. The others wait for the next call
    to end, and go in one.
    """

    def __init__(self, model: EmotionModel, calls: int) -> None:
        """Make at most so many calls of the model at the same time."""
        self._model = model
        self._calls = calls
        self._under_way = 0
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def infer(self, faces: NDArray[np.float32], by: Deadline, version: int | None = None) -> EmotionScores:
        """Return the scores of all faces of an image."""
        if self._under_way >= self._calls:
            return await self._infer_later(faces, by, version)
        self._under_way += 1
        try:
            return await self._model.infer(faces, by, version)
        finally:
            self._ended()

    async def versions(self) -> tuple[int, ...]:
        """Return the versions that the model has."""
        return await self._model.versions()

    async def check(self) -> str:
        """Return what the model says of itself."""
        return await self._model.check()

    async def _infer_later(self, faces: NDArray[np.float32], by: Deadline, version: int | None) -> EmotionScores:
        seconds = by.seconds_left()
        scores: asyncio.Future[EmotionScores] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(faces, by, version, scores))
        try:
            async with asyncio.timeout(seconds):
                return await scores
        except TimeoutError as error:
            raise ServiceError(
                ProblemKind.DEPENDENCY_TIMEOUT, f"The model took longer than {seconds:.2g} s", dependency="model"
            ) from error

    def _ended(self) -> None:
        """Begin the next call, with all who wait for it."""
        self._under_way -= 1
        together = self._take()
        if not together:
            return
        self._under_way += 1
        task = asyncio.get_running_loop().create_task(self._infer_together(together))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self) -> list[_Waiting]:
        together: list[_Waiting] = []
        faces = 0
        while self._waiting:
            one = self._waiting[0]
            if together and (faces + len(one.faces) > MOST_FACES or one.version != together[0].version):
                break
            self._waiting.popleft()
            if not one.scores.done():  # else whoever asked has gone away
                together.append(one)
                faces += len(one.faces)
        return together

    async def _infer_together(self, together: Sequence[_Waiting]) -> None:
        # Each one's own deadline is watched where it waits; the most patient one's is that of the call.
        by = max((one.by for one in together), key=lambda deadline: deadline.at_s)
        try:
            faces = np.concatenate([one.faces for one in together])
            scores = await self._model.infer(faces, by, together[0].version)
        except ServiceError as error:
            for one in together:
                _fail(one, ServiceError(error.problem.kind, error.problem.detail, **error.problem.extensions))
        except Exception as error:
            for one in together:
                _fail(one, error)
        else:
            first = 0
            for one in together:
                rows = slice(first, first := first + len(one.faces))
                if not one.scores.done():
                    one.scores.set_result(
                        EmotionScores(scores.probabilities[rows], scores.reliable[rows], scores.version)
                    )
        finally:
            self._ended()


def _fail(one: _Waiting, error: Exception) -> None:
    if not one.scores.done():
        one.scores.set_exception(error)
        one.scores.exception()  # seen, even where whoever asked goes away before reading it
