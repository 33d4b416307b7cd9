"""The FastAPI application that every service starts from."""

from dataclasses import dataclass, field

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import Lifespan

from services.runtime.body_limit import BodyLimit
from services.runtime.health import Check, health_router
from services.runtime.metrics import HttpMetrics, create_registry, metrics_router
from services.runtime.openapi import add_common_problems, complete_document
from services.runtime.problems import handle_problems
from services.runtime.request_context import RequestContext
from services.runtime.stopping import Stopping

SMALL_BODY_BYTES = 64 * 1024


@dataclass(frozen=True)
class Plumbing:
    """What a service's own parts share with its plumbing.

    Attributes:
        stopping: Set when the process is told to stop.
        registry: Where metrics are registered.
        checks: What ``/readyz`` looks at, by name; filled while the application is built and while it runs.
    """

    stopping: Stopping = field(default_factory=Stopping)
    registry: CollectorRegistry = field(default_factory=create_registry)
    checks: dict[str, Check] = field(default_factory=dict)


def create_service_app(
    title: str,
    plumbing: Plumbing,
    lifespan: Lifespan[FastAPI],
    body_limit_bytes: int = SMALL_BODY_BYTES,
    description: str = "",
) -> FastAPI:
    """Return an application with health, metrics, problems, request ids, a body limit and an OpenAPI document.

    Args:
        title: The service's name, for its API document.
        plumbing: Shared with the service's own parts.
        lifespan: Opens and closes the service's resources.
        body_limit_bytes: The largest body that is read.
        description: Stands at the top of the API document.
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
    app.include_router(health_router(plumbing.checks, plumbing.stopping))
    app.include_router(metrics_router(plumbing.registry))
    app.add_middleware(BodyLimit, limit_bytes=body_limit_bytes)
    app.add_middleware(RequestContext, metrics=HttpMetrics(plumbing.registry))
    return app
