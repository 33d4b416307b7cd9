"""Converts the errors of requests to ``application/problem+json``, on every route."""

import json
from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from services.contracts.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemKind, ServiceError

_KIND_OF_STATUS = {
    401: ProblemKind.UNAUTHORIZED,
    404: ProblemKind.NOT_FOUND,
    405: ProblemKind.METHOD_NOT_ALLOWED,
    413: ProblemKind.BODY_TOO_LARGE,
    415: ProblemKind.UNSUPPORTED_MEDIA_TYPE,
    429: ProblemKind.RATE_LIMITED,
    503: ProblemKind.OVERLOADED,
}
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


ProblemRenderer = Callable[[Scope, Problem, str, Mapping[str, str]], Response]
"""Returns a problem as the response to the request of a scope, with the request's id and headers to send.

An application whose routes have error formats of their own sets one as ``app.state.problem_renderer``.
"""


def problem_response(scope: Scope, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as the response to a request, by the application's renderer if it has one."""
    request_id = scope["state"]["request_id"]
    renderer: ProblemRenderer | None = None
    if "app" in scope:
        renderer = getattr(scope["app"].state, "problem_renderer", None)
    if renderer is None:
        return problem_json_response(problem, request_id, headers)
    return renderer(scope, problem, request_id, _problem_headers(problem, headers))


def problem_json_response(problem: Problem, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as ``application/problem+json``, with ``Retry-After`` if a retry makes sense."""
    body = json.dumps(problem.encode(request_id))
    return Response(body, problem.kind.status, _problem_headers(problem, headers), media_type=PROBLEM_MEDIA_TYPE)


def _problem_headers(problem: Problem, headers: Mapping[str, str] | None) -> dict[str, str]:
    sent = dict(headers or {})
    if problem.kind.retry_after_s is not None:
        sent.setdefault("Retry-After", str(problem.kind.retry_after_s))
    if problem.kind is ProblemKind.UNAUTHORIZED:
        sent["WWW-Authenticate"] = "Bearer"
    return sent


def handle_problems(app: FastAPI) -> None:
    """Register the handlers for ``ServiceError`` and for the framework's exceptions.

    They also apply to a WebSocket that isn't accepted yet, by ASGI's denial response.
    """
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(WebSocketRequestValidationError, _on_validation_error)


async def _on_service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return problem_response(request.scope, error.problem, headers)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, ServiceError):  # FastAPI's error for an exception raised while it reads a body
        return await _on_service_error(request, error.__cause__)
    kind = _kind_of(error.status_code)
    detail = f"{request.method} {request.url.path}" if kind.status in (404, 405) else str(error.detail)
    headers = dict(error.headers or {})
    if kind is ProblemKind.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return problem_response(request.scope, Problem(kind, detail), headers)


def _kind_of(status: int) -> ProblemKind:
    """Return the kind for a status of the framework, which uses 400 for malformed bodies."""
    otherwise = ProblemKind.INVALID_PARAMETER if 400 <= status < 500 else ProblemKind.INTERNAL
    return _KIND_OF_STATUS.get(status, otherwise)


def _allowed_methods(request: Request) -> list[str]:
    """Return the methods of all routes with this path. The framework returns those of the first route only."""
    routes = request.app.router.routes
    tries = {method: {"type": "http", "method": method, "path": request.scope["path"]} for method in _METHODS}
    return [method for method, scope in tries.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)]


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError | WebSocketRequestValidationError)
    detail = "; ".join(f"{_place(problem['loc'])}: {problem['msg']}" for problem in error.errors())
    return problem_response(request.scope, Problem(ProblemKind.INVALID_PARAMETER, detail))


def _place(location: tuple[int | str, ...]) -> str:
    """Return a parameter's name without its location (``query``, ``path``)."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])
