"""``/healthz`` and ``/readyz``: liveness, and readiness measured by checks."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.runtime.clock import Clock
from services.runtime.shutdown import ShutdownState

CHECK_TIMEOUT_S = 1.0
CACHE_TTL_S = 0.5
"""How long a measurement is reused, so that many requests load the dependencies like one."""
_STATES = {"schema": {"type": "object", "properties": {"status": {"type": "string"}, "dependencies": {}}}}
_UNREADY: dict[int | str, dict[str, Any]] = {
    503: {"description": "Unready or stopping.", "content": {"application/json": _STATES}}
}


@dataclass(frozen=True)
class DependencyState:
    """What a check found.

    Attributes:
        ok: Whether the dependency works.
        required: Whether the service can't work at all without it.
        detail: What is wrong, or what the check found.
    """

    ok: bool
    required: bool = True
    detail: str = ""


class Check(Protocol):
    """Checks one dependency. It fails if it takes longer than a second."""

    required: bool

    async def __call__(self) -> str:
        """Return what was found, in a few words; raise any exception if the dependency fails."""


async def run_checks(checks: Mapping[str, Check]) -> dict[str, DependencyState]:
    """Run all checks at the same time and return each one's state by its name."""
    checked = dict(checks)  # the service may add a check in the meantime
    states = await asyncio.gather(*(_state(check) for check in checked.values()))
    return dict(zip(checked, states, strict=True))


async def _state(check: Check) -> DependencyState:
    deadline = asyncio.timeout(CHECK_TIMEOUT_S)
    try:
        async with deadline:
            return DependencyState(True, check.required, await check())
    except Exception as error:  # a failing check is a result, whatever failed
        if deadline.expired():
            return DependencyState(False, check.required, f"no answer within {CHECK_TIMEOUT_S:g} s")
        return DependencyState(False, check.required, str(error) or type(error).__name__)


class Readiness:
    """Runs all checks; requests during a measurement, or soon after it, share it."""

    def __init__(self, checks: Mapping[str, Check], clock: Clock = time.monotonic) -> None:
        self._checks = checks
        self._clock = clock
        self._measured: asyncio.Task[dict[str, DependencyState]] | None = None
        self._started_s = 0.0
        self._names: frozenset[str] = frozenset()

    async def states(self) -> dict[str, DependencyState]:
        """Return each check's state by its name, measured at most ``CACHE_TTL_S`` ago."""
        measured = self._measured
        if measured is None or (measured.done() and self._is_outdated()):
            self._started_s, self._names = self._clock(), frozenset(self._checks)
            measured = self._measured = asyncio.create_task(run_checks(self._checks))
        return await asyncio.shield(measured)

    def _is_outdated(self) -> bool:
        return self._clock() - self._started_s >= CACHE_TTL_S or self._names != frozenset(self._checks)


def health_router(readiness: Readiness, shutdown: ShutdownState) -> APIRouter:
    """Return the routes.

    ``/readyz`` answers 200 with ``ready`` or ``degraded`` (an optional dependency fails), or 503 with
    ``unready`` or ``stopping``; always with the state of each dependency.
    """
    router = APIRouter(tags=["health"])

    # Some load balancers ask with HEAD.
    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", summary="The process can do its work", responses=_UNREADY)
    async def readyz() -> JSONResponse:
        states = await readiness.states()
        status = _summary(states, shutdown)
        body: dict[str, Any] = {
            "status": status,
            "dependencies": {name: asdict(state) for name, state in states.items()},
        }
        return JSONResponse(body, status_code=200 if status in ("ready", "degraded") else 503)

    return router


def _summary(states: Mapping[str, DependencyState], shutdown: ShutdownState) -> str:
    if shutdown.started:
        return "stopping"
    if any(state.required and not state.ok for state in states.values()):
        return "unready"
    return "ready" if all(state.ok for state in states.values()) else "degraded"
