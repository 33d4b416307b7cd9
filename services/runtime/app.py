"""The FastAPI application that every service starts from."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware
from starlette.types import Lifespan

from services.runtime.clock import Clock
from services.runtime.health import Check, Readiness, health_router
from services.runtime.limits import ByteBudget
from services.runtime.metrics import HttpMetrics, create_registry, metrics_router
from services.runtime.openapi import add_common_problems, complete_document
from services.runtime.origins import OriginGuard, OriginPolicy
from services.runtime.problems import handle_problems
from services.runtime.request_body import BodyLimit
from services.runtime.request_context import RequestContext
from services.runtime.shutdown import ShutdownState

SMALL_BODY_BYTES = 64 * 1024


@dataclass(frozen=True)
class ServiceContext:
    """What a service's own modules share with the runtime.

    Attributes:
        shutdown: The state of the process's shutdown.
        registry: Where metrics are registered.
        checks: The checks of ``/readyz``, by name; filled while the application is built and while it runs.
        clock: Monotonic seconds.
    """

    shutdown: ShutdownState = field(default_factory=ShutdownState)
    registry: CollectorRegistry = field(default_factory=create_registry)
    checks: dict[str, Check] = field(default_factory=dict)
    clock: Clock = time.monotonic

    @cached_property
    def readiness(self) -> Readiness:
        """The states of all checks, measured once for requests at about the same time."""
        return Readiness(self.checks, self.clock)


def create_service_app(
    title: str,
    context: ServiceContext,
    lifespan: Lifespan[FastAPI],
    policy: OriginPolicy,
    body_limit_bytes: int = SMALL_BODY_BYTES,
    description: str = "",
    middleware: Sequence[Middleware] = (),
    budget: ByteBudget | None = None,
) -> FastAPI:
    """Return an application with health, metrics, problems, request ids, an origin guard, a body limit and OpenAPI.

    Args:
        title: The service's name, for its API document.
        context: Shared with the service's own modules.
        lifespan: Opens and closes the service's resources.
        policy: Which hosts and origins are allowed.
        body_limit_bytes: The largest body that is read.
        description: The introduction of the API document.
        middleware: The service's own, inside the origin guard; the first is the outermost.
        budget: Bounds all bodies together, until they are answered; None for no bound.
    """
    app = FastAPI(
        docs_url=None,  # FastAPI's page runs scripts of another host
        redoc_url=None,
        redirect_slashes=False,
        title=title,
        lifespan=lifespan,
        description=description,
    )
    complete_document(app, add_common_problems)
    handle_problems(app)
    app.include_router(health_router(context.readiness, context.shutdown))
    app.include_router(metrics_router(context.registry))
    app.add_middleware(BodyLimit, limit_bytes=body_limit_bytes, budget=budget)
    app.user_middleware[:0] = middleware
    app.add_middleware(OriginGuard, policy=policy, registry=context.registry)
    app.add_middleware(RequestContext, metrics=HttpMetrics(context.registry))
    return app
