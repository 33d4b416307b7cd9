"""``/services``: the state of each dependency, for people and the dashboard."""

from collections.abc import Mapping

from fastapi import APIRouter

from services.runtime.health import Check, DependencyState, look_at


def services_router(checks: Mapping[str, Check]) -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["services"])

    @router.get("/services", summary="The state of each dependency")
    async def services() -> dict[str, dict[str, DependencyState]]:
        return {"services": await look_at(checks)}

    return router
