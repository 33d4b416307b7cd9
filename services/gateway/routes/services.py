"""``/services``: the state of each dependency, for people and the dashboard."""

from fastapi import APIRouter

from services.runtime.health import DependencyState, Readiness


def services_router(readiness: Readiness) -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["services"])

    @router.get("/services", summary="The state of each dependency")
    async def services() -> dict[str, dict[str, DependencyState]]:
        return {"services": await readiness.states()}

    return router
