import asyncio
import time
from typing import Any

import httpx

from services.runtime.app import ServiceContext
from services.runtime.health import DependencyState, run_checks
from tests.support.clock import FakeClock


class Dependency:
    """A check that finds what it is given, or fails with it."""

    def __init__(self, finds: str | Exception = "", *, required: bool = True) -> None:
        self.finds = finds
        self.required = required

    async def __call__(self) -> str:
        if isinstance(self.finds, Exception):
            raise self.finds
        return self.finds


class CountedDependency(Dependency):
    """Counts how often it is measured, and takes a moment."""

    measured = 0

    async def __call__(self) -> str:
        self.measured += 1
        await asyncio.sleep(0)
        return "fine"


class HungDependency:
    required = True

    async def __call__(self) -> str:
        await asyncio.Event().wait()
        return "never"


async def readiness(client: httpx.AsyncClient) -> tuple[int, str, dict[str, Any]]:
    answer = await client.get("/readyz")
    body = answer.json()
    return answer.status_code, body["status"], body["dependencies"]


async def test_a_service_without_dependencies_is_ready(client: httpx.AsyncClient) -> None:
    assert await readiness(client) == (200, "ready", {})


async def test_what_a_check_found_is_told(client: httpx.AsyncClient, context: ServiceContext) -> None:
    context.checks["model"] = Dependency("version 2")
    found = {"model": {"ok": True, "required": True, "detail": "version 2"}}
    assert await readiness(client) == (200, "ready", found)


async def test_a_failing_requirement_makes_it_unready_until_it_is_back(
    client: httpx.AsyncClient, context: ServiceContext, clock: FakeClock
) -> None:
    dependency = Dependency(ConnectionError("connection refused"))
    context.checks["model"] = dependency
    found = {"model": {"ok": False, "required": True, "detail": "connection refused"}}
    assert await readiness(client) == (503, "unready", found)
    dependency.finds = ""
    clock.advance(1)
    assert (await readiness(client))[:2] == (200, "ready")


async def test_a_failing_option_makes_it_degraded(client: httpx.AsyncClient, context: ServiceContext) -> None:
    context.checks["model"] = Dependency()
    context.checks["redis"] = Dependency(ConnectionError("gone"), required=False)
    status, summary, found = await readiness(client)
    assert (status, summary) == (200, "degraded")
    assert found["redis"] == {"ok": False, "required": False, "detail": "gone"}


async def test_a_stopping_service_is_not_ready_but_alive(client: httpx.AsyncClient, context: ServiceContext) -> None:
    context.checks["model"] = Dependency()
    context.shutdown.start()
    assert (await readiness(client))[:2] == (503, "stopping")
    assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_an_exception_without_a_text_is_named(client: httpx.AsyncClient, context: ServiceContext) -> None:
    context.checks["model"] = Dependency(ConnectionResetError())
    assert (await readiness(client))[2]["model"]["detail"] == "ConnectionResetError"


async def test_everyone_who_asks_at_about_the_same_time_shares_a_measurement(
    client: httpx.AsyncClient, context: ServiceContext, clock: FakeClock
) -> None:
    dependency = CountedDependency()
    context.checks["model"] = dependency
    await asyncio.gather(*(readiness(client) for _ in range(20)))
    assert dependency.measured == 1
    clock.advance(0.4)
    assert (await readiness(client))[:2] == (200, "ready")
    assert dependency.measured == 1
    clock.advance(0.2)
    await readiness(client)
    assert dependency.measured == 2


async def test_a_check_that_was_added_is_measured_at_once(client: httpx.AsyncClient, context: ServiceContext) -> None:
    assert await readiness(client) == (200, "ready", {})
    context.checks["model"] = Dependency(ConnectionError("gone"))
    assert (await readiness(client))[:2] == (503, "unready")


async def test_who_goes_away_does_not_end_a_measurement_for_others(context: ServiceContext) -> None:
    context.checks["model"] = CountedDependency()
    first = asyncio.create_task(context.readiness.states())
    await asyncio.sleep(0)
    second = asyncio.create_task(context.readiness.states())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second)["model"].ok


async def test_checks_that_hang_fail_together_within_a_second() -> None:
    started = time.monotonic()
    found = await run_checks({"a": HungDependency(), "b": HungDependency(), "c": Dependency("fine")})
    assert 0.9 < time.monotonic() - started < 1.8
    assert found["a"] == found["b"] == DependencyState(False, True, "no answer within 1 s")
    assert found["c"].ok


async def test_a_timeout_of_the_check_itself_keeps_its_text() -> None:
    found = await run_checks({"a": Dependency(TimeoutError("reading from redis:6379"))})
    assert found["a"].detail == "reading from redis:6379"


async def test_checks_may_be_added_while_others_run() -> None:
    checks: dict[str, Any] = {}

    class Adding:
        required = True

        async def __call__(self) -> str:
            checks["late"] = Dependency()
            return "added one"

    checks["early"] = Adding()
    assert {name: state.detail for name, state in (await run_checks(checks)).items()} == {"early": "added one"}
    assert set(await run_checks(checks)) == {"early", "late"}
