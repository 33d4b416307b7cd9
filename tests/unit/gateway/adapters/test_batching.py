"""Faces on their way to the model, alone and together."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.adapters.batching import MAX_BATCH_SIZE, BatchingModel
from services.gateway.protocols import Deadline, EmotionScores

SOON = 30.0


class HeldModel:
    """A model that answers when it is let; the first probability is the face's own brightness."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.deadlines: list[Deadline] = []
        self.asked_versions: list[int | None] = []
        self.gate = asyncio.Semaphore(0)
        self.error: Exception | None = None

    async def infer(self, faces: NDArray[np.float32], deadline: Deadline, version: int | None = None) -> EmotionScores:
        self.calls.append(len(faces))
        self.asked_versions.append(version)
        self.deadlines.append(deadline)
        await self.gate.acquire()
        if self.error:
            raise self.error
        probabilities = np.zeros((len(faces), 7), np.float32)
        probabilities[:, 0] = faces[:, 0, 0, 0]
        return EmotionScores(probabilities, probabilities[:, 0] > 0.5, "7")

    async def versions(self) -> tuple[int, ...]:
        return (6, 7)

    async def check(self) -> str:
        return "there"

    def let(self, calls: int) -> None:
        for _ in range(calls):
            self.gate.release()


def faces(*brightness: float) -> NDArray[np.float32]:
    return np.stack([np.full((48, 48, 1), one, np.float32) for one in brightness])


def ask(
    model: BatchingModel, *brightness: float, seconds: float = SOON, version: int | None = None
) -> asyncio.Task[EmotionScores]:
    return asyncio.ensure_future(model.infer(faces(*brightness), Deadline.after(seconds), version))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def brightness_of(answers: Sequence[EmotionScores]) -> list[list[float]]:
    return [[round(float(one), 3) for one in answer.probabilities[:, 0]] for answer in answers]


async def test_queued_requests_form_a_batch_and_each_gets_its_own_scores() -> None:
    held = HeldModel()
    model = BatchingModel(held, max_concurrent_calls=2)
    asked = [ask(model, 0.1), ask(model, 0.2), ask(model, 0.3), ask(model, 0.6, 0.7), ask(model, 0.4)]
    await settle()
    assert held.calls == [1, 1]
    held.let(1)
    await settle()
    assert held.calls == [1, 1, 4]
    held.let(2)
    answers = await asyncio.gather(*asked)
    assert brightness_of(answers) == [[0.1], [0.2], [0.3], [0.6, 0.7], [0.4]]
    assert answers[3].reliable.tolist() == [True, True]
    assert {answer.version for answer in answers} == {"7"}


async def test_a_request_below_the_limit_does_not_wait() -> None:
    held = HeldModel()
    model = BatchingModel(held, max_concurrent_calls=1)
    for brightness in (0.1, 0.2):
        held.let(1)
        assert brightness_of([await ask(model, brightness)]) == [[brightness]]
    assert held.calls == [1, 1]
    assert await model.check() == "there"


async def test_more_faces_than_a_batch_take_several_calls_in_order() -> None:
    held = HeldModel()
    model = BatchingModel(held, max_concurrent_calls=1)
    first = ask(model, 0.1)
    await settle()
    many = [ask(model, *[0.1] * n) for n in (MAX_BATCH_SIZE - 1, 2, MAX_BATCH_SIZE + 8, 1)]
    held.let(5)
    await asyncio.gather(first, *many)
    assert held.calls == [1, MAX_BATCH_SIZE - 1, 2, MAX_BATCH_SIZE + 8, 1]


async def test_a_batch_has_faces_of_one_version_only() -> None:
    held = HeldModel()
    model = BatchingModel(held, max_concurrent_calls=1)
    first = ask(model, 0.1, version=7)
    await settle()
    others = [ask(model, 0.2), ask(model, 0.3), ask(model, 0.4, version=6), ask(model, 0.5, version=6), ask(model, 0.6)]
    await settle()
    held.let(4)
    answers = await asyncio.gather(first, *others)
    assert brightness_of(answers) == [[0.1], [0.2], [0.3], [0.4], [0.5], [0.6]]
    assert list(zip(held.calls, held.asked_versions, strict=True)) == [(1, 7), (2, None), (2, 6), (1, None)]
    assert await model.versions() == (6, 7)


async def test_a_failure_reaches_the_whole_batch_and_the_next_batch_runs() -> None:
    held = HeldModel()
    model = BatchingModel(held, max_concurrent_calls=1)
    first = ask(model, 0.1)
    await settle()
    waiting = [ask(model, 0.2), ask(model, 0.3)]
    await settle()
    held.let(1)
    await first
    held.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "gone", dependency="model")
    held.let(1)
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(
        isinstance(error, ServiceError) and error.problem.extensions["dependency"] == "model" for error in errors
    )
    held.error = None
    held.let(1)
    assert brightness_of([await ask(model, 0.5)]) == [[0.5]]


async def test_an_unexpected_error_frees_the_slot() -> None:
    held = HeldModel()
    model = BatchingModel(held, max_concurrent_calls=1)
    first = ask(model, 0.1)
    await settle()
    second = ask(model, 0.2)
    await settle()
    held.error = ZeroDivisionError("a bug")
    held.let(2)
    for failed in (first, second):
        with pytest.raises(ZeroDivisionError):
            await failed
    held.error = None
    held.let(1)
    assert brightness_of([await ask(model, 0.5)]) == [[0.5]]


async def test_an_expired_request_times_out_and_does_not_delay_the_others() -> None:
    held = HeldModel()
    model = BatchingModel(held, max_concurrent_calls=1)
    first = ask(model, 0.1)
    await settle()
    impatient, patient = ask(model, 0.2, seconds=0.01), ask(model, 0.3)
    with pytest.raises(ServiceError) as error:
        await impatient
    assert error.value.problem.kind is ProblemKind.DEPENDENCY_TIMEOUT
    held.let(2)
    assert brightness_of(await asyncio.gather(first, patient)) == [[0.1], [0.3]]
    assert held.calls == [1, 1]


async def test_a_cancelled_caller_does_not_affect_the_batch() -> None:
    held = HeldModel()
    model = BatchingModel(held, max_concurrent_calls=1)
    first, second = ask(model, 0.1), ask(model, 0.2)
    await settle()
    third, fourth = ask(model, 0.3), ask(model, 0.4)
    await settle()
    first.cancel()  # the call under way ends, and its place is free
    await settle()
    assert held.calls == [1, 3]
    third.cancel()
    held.let(1)
    assert brightness_of(await asyncio.gather(second, fourth)) == [[0.2], [0.4]]


async def test_a_batch_has_the_latest_deadline_of_its_requests() -> None:
    held = HeldModel()
    model = BatchingModel(held, max_concurrent_calls=1)
    first = ask(model, 0.1)
    await settle()
    waiting = [ask(model, 0.2, seconds=20), ask(model, 0.3, seconds=29)]
    await settle()
    held.let(2)
    await asyncio.gather(first, *waiting)
    assert 20 < held.deadlines[1].remaining_s() < 30
