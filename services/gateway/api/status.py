"""``/services``: the state of each dependency, for people and the dashboard."""

from collections.abc import Container

from fastapi import APIRouter

from services.runtime.health import DependencyState, Readiness


def services_router(readiness: Readiness, dependencies: Container[str]) -> APIRouter:
    """Return the route; of what readiness measures it tells the dependencies."""
    router = APIRouter(tags=["services"])

    @router.get("/services", summary="The state of each dependency")
    async def services() -> dict[str, dict[str, DependencyState]]:
        states = await readiness.states()
        return {"services": {name: state for name, state in states.items() if name in dependencies}}

    return router
