"""Whether every model can answer."""

from collections.abc import Sequence

from services.serving.errors import NotFoundError
from services.serving.model import Model, State


def are_ready(models: Sequence[Model]) -> bool:
    """Tell whether there are models, and each has a version that answers."""
    return bool(models) and all(model.versions(State.AVAILABLE) for model in models)


def describe(models: Sequence[Model]) -> str:
    """Return what answers, or why nothing does; each model with its name where there are several."""
    if not models:
        return "no model is configured"
    if len(models) == 1:
        return _describe(models[0])
    return "; ".join(f"{model.name}: {_describe(model)}" for model in models)


def _describe(model: Model) -> str:
    try:
        statuses = model.statuses()
    except NotFoundError as error:
        return str(error)
    status = next((status for status in statuses if status.state is State.AVAILABLE), statuses[0])
    told = f"version {status.version} is {status.state.name}"
    return f"{told}: {status.message}" if status.message else told
