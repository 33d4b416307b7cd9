"""CORS for the origins that settings name: their pages may read our answers."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.contracts.problems import Problem, ProblemKind
from services.gateway.security.auth import API_KEY_HEADER
from services.runtime.problems import problem_response
from services.runtime.request_context import REQUEST_ID_HEADER


class Cors(CORSMiddleware):
    """Starlette's, whose refusals are problems here like every other error."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", API_KEY_HEADER, "Authorization", REQUEST_ID_HEADER],
            expose_headers=[REQUEST_ID_HEADER, "Retry-After"],
            # A page of a public address may ask for a private one only where this one says so; naming the page did.
            allow_private_network=True,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what a browser asks before a request that isn't simple; pass everything else on."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and "access-control-request-method" in headers:
                await self._preflight(headers, scope["state"]["request_id"])(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def _preflight(self, request_headers: Headers, request_id: str) -> Response:
        response = self.preflight_response(request_headers)
        if response.status_code < 400:
            return response
        problem = Problem(ProblemKind.CROSS_ORIGIN_FORBIDDEN, bytes(response.body).decode())
        headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        return problem_response(problem, request_id, headers)
