"""CORS for the origins that the settings name: their pages may read the answers."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.contracts.problems import Problem, ProblemKind
from services.gateway.security.auth import API_KEY_HEADER
from services.runtime.problems import problem_response
from services.runtime.request_context import REQUEST_ID_HEADER

ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Last-Event-ID",
    API_KEY_HEADER,
    REQUEST_ID_HEADER,
    # Amazon Rekognition, as the AWS SDK for JavaScript sends them
    "Amz-Sdk-Invocation-Id",
    "Amz-Sdk-Request",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Target",
    "X-Amz-User-Agent",
    # Open Inference Protocol
    "Inference-Header-Content-Length",
)
EXPOSED_HEADERS = (
    REQUEST_ID_HEADER,
    "Retry-After",
    "X-Frame-Id",
    "X-Frame-Age-Ms",
    "X-Amzn-RequestId",
    "Inference-Header-Content-Length",
)


class Cors(CORSMiddleware):
    """Starlette's middleware, but a refused preflight gets a problem like every other error."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            # Pages of public addresses need this to call a private address. The operator allowed the origin.
            allow_private_network=True,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and "access-control-request-method" in headers:
                await self._preflight(headers, scope)(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def _preflight(self, request_headers: Headers, scope: Scope) -> Response:
        response = self.preflight_response(request_headers)
        if response.status_code < 400:
            return response
        problem = Problem(ProblemKind.CROSS_ORIGIN_FORBIDDEN, bytes(response.body).decode())
        headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        return problem_response(scope, problem, headers)
