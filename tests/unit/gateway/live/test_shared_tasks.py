import asyncio

import pytest

from services.contracts.problems import ServiceError
from services.gateway.live.shared_tasks import SharedTasks
from tests.support.live_harness import eventually


class Worker:
    def __init__(self, fails: bool = False) -> None:
        self.running = False
        self._fails = fails

    async def run(self) -> None:
        if self._fails:
            raise RuntimeError("a bug")
        self.running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False


async def test_object_runs_while_it_has_users() -> None:
    workers: SharedTasks[str, Worker] = SharedTasks(lambda _: Worker(), max_entries=2)
    with workers.acquire("a") as first:
        with workers.acquire("a") as second:
            assert first is second
        await eventually(lambda: first.running, "it to run")
        workers.keep_alive("b", 60)
        with pytest.raises(ServiceError), workers.acquire("c"):
            pass
    await eventually(lambda: not first.running, "it to end")
    assert workers.get("a") is None
    assert workers.get("b") is not None
    await workers.close()
    assert len(workers) == 0


async def test_object_that_fails_is_logged_and_created_again(caplog: pytest.LogCaptureFixture) -> None:
    created: list[Worker] = []

    def create(_: str) -> Worker:
        created.append(Worker(fails=not created))
        return created[-1]

    workers: SharedTasks[str, Worker] = SharedTasks(create, max_entries=1)
    with workers.acquire("a"):
        await eventually(lambda: "a bug" in caplog.text, "the log")
        with workers.acquire("a"):
            await eventually(lambda: created[1].running, "the second to run")
    await workers.close()
