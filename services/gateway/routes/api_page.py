"""``/docs``: the API document for people, to try out. Its files need no key; the calls that it makes do."""

from fastapi import APIRouter, Request, Response

from services.contracts.problems import ProblemKind
from services.gateway.api_page.assets import read_page
from services.gateway.dashboard.assets import INDEX
from services.runtime.problems import ProblemError

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",  # pictures that a call returned; marks in Swagger UI's style sheet
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}

HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def api_page_router() -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    assets = read_page()

    @router.api_route("/docs", methods=["GET", "HEAD"])
    async def page(request: Request) -> Response:
        return assets[INDEX].answer(request, HEADERS)

    @router.api_route("/docs/{name}", methods=["GET", "HEAD"])
    async def file(request: Request, name: str) -> Response:
        asset = assets.get(name)
        if asset is None:
            raise ProblemError(ProblemKind.NOT_FOUND, f"{request.method} {request.url.path}")
        return asset.answer(request, HEADERS)

    return router
