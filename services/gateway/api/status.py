"""``/services``: the state of each dependency, for operators and the dashboard."""

from fastapi import APIRouter

from services.gateway.dependencies import AppStateDep
from services.runtime.health import DependencyState

router = APIRouter(tags=["services"])


@router.get("/services", summary="The state of each dependency")
async def services(state: AppStateDep) -> dict[str, dict[str, DependencyState]]:
    states = await state.context.readiness.states()
    return {"services": {name: found for name, found in states.items() if name in state.dependencies}}
