"""``/``: the dashboard. Its files need no key; what they ask of the API does."""

from fastapi import APIRouter, Request, Response

from services.contracts.problems import ProblemKind
from services.gateway.dashboard.assets import INDEX, read_assets
from services.runtime.problems import ProblemError

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob:",  # pictures that a person chose are shown before they are sent
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
    "require-trusted-types-for": "'script'",  # text that comes from outside can't become markup, even by mistake
}

HEADERS = {
    "Cache-Control": "no-cache",  # kept, but asked for each time whether it is still the same
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
}


def dashboard_router() -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    assets = read_assets()

    @router.api_route("/", methods=["GET", "HEAD"])
    async def page(request: Request) -> Response:
        return assets[INDEX].answer(request, HEADERS)

    @router.api_route("/dashboard/{path:path}", methods=["GET", "HEAD"])
    async def file(request: Request, path: str) -> Response:
        asset = assets.get(path)
        if asset is None:
            raise ProblemError(ProblemKind.NOT_FOUND, f"{request.method} {request.url.path}")
        return asset.answer(request, HEADERS)

    return router
