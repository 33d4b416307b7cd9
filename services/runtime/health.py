"""``/healthz`` and ``/readyz``: alive is not ready, and readiness is measured each time."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.runtime.stopping import Stopping

CHECK_TIMEOUT_S = 1.0
_STATES = {"schema": {"type": "object", "properties": {"status": {"type": "string"}, "dependencies": {}}}}
_UNREADY: dict[int | str, dict[str, Any]] = {
    503: {"description": "Unready or stopping.", "content": {"application/json": _STATES}}
}


@dataclass(frozen=True)
class DependencyState:
    """What a check found.

    Attributes:
        ok: Whether the dependency does its part now.
        required: Whether the service can answer nothing without it.
        detail: What is wrong, or what was found.
    """

    ok: bool
    required: bool = True
    detail: str = ""


class Check(Protocol):
    """Looks at one dependency. It answers within a second or counts as failed."""

    required: bool

    async def __call__(self) -> str:
        """Return what was found, in a few words; raise any exception where the dependency fails."""


async def look_at(checks: Mapping[str, Check]) -> dict[str, DependencyState]:
    """Run all checks at the same time and return each one's state by its name."""
    looked_at = dict(checks)  # the service may add a check meanwhile
    states = await asyncio.gather(*(_state(check) for check in looked_at.values()))
    return dict(zip(looked_at, states, strict=True))


async def _state(check: Check) -> DependencyState:
    deadline = asyncio.timeout(CHECK_TIMEOUT_S)
    try:
        async with deadline:
            return DependencyState(True, check.required, await check())
    except Exception as error:  # a failing check is an answer, whatever failed
        if deadline.expired():
            return DependencyState(False, check.required, f"no answer within {CHECK_TIMEOUT_S:g} s")
        return DependencyState(False, check.required, str(error) or type(error).__name__)


def health_router(checks: Mapping[str, Check], stopping: Stopping) -> APIRouter:
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
        states = await look_at(checks)
        status = _summary(states, stopping)
        body: dict[str, Any] = {
            "status": status,
            "dependencies": {name: asdict(state) for name, state in states.items()},
        }
        return JSONResponse(body, status_code=200 if status in ("ready", "degraded") else 503)

    return router


def _summary(states: Mapping[str, DependencyState], stopping: Stopping) -> str:
    if stopping.begun:
        return "stopping"
    if any(state.required and not state.ok for state in states.values()):
        return "unready"
    return "ready" if all(state.ok for state in states.values()) else "degraded"
