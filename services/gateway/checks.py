"""What ``/readyz`` and ``/services`` look at."""

from collections.abc import Awaitable, Callable

from services.gateway.resources import Resources
from services.runtime.health import Check


class DependencyCheck:
    """One dependency of the gateway."""

    def __init__(self, look: Callable[[], Awaitable[str]], required: bool) -> None:
        self._look = look
        self.required = required

    async def __call__(self) -> str:
        """Return what is found; raise where it fails."""
        return await self._look()


def dependency_checks(resources: Resources) -> dict[str, Check]:
    """Return a check for each dependency.

    Without the detector or the model nothing can be answered; without Redis uploads still can.
    """

    async def ping() -> str:
        await resources.frames.ping()
        return "answers"

    return {
        "redis": DependencyCheck(ping, required=False),
        "detector": DependencyCheck(resources.detector.check, required=True),
        "model": DependencyCheck(resources.model.check, required=True),
    }
