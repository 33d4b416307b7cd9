"""Sends problems of the compatible APIs' routes in these APIs' own formats. All other routes send RFC 9457."""

import json
from collections.abc import Mapping, Sequence

from fastapi import Request, Response
from starlette.types import Scope

from services.contracts.problems import Problem
from services.gateway.compat.base import CompatApiError, ErrorFormat
from services.runtime.problems import problem_json_response


def render_problem(
    formats: Sequence[ErrorFormat], scope: Scope, problem: Problem, request_id: str, headers: Mapping[str, str]
) -> Response:
    """Return a problem in the format of the API that the request is for."""
    error_format = format_for(scope, formats)
    if error_format is None:
        return problem_json_response(problem, request_id, headers)
    error = error_format.render(problem)
    return Response(json.dumps(error.body), error.status, {**headers, **error_format.headers(request_id)})


async def on_api_error(formats: Sequence[ErrorFormat], request: Request, error: Exception) -> Response:
    """Return the error of a route that has errors of its own."""
    assert isinstance(error, CompatApiError)
    error_format = format_for(request.scope, formats)
    assert error_format is not None
    return Response(json.dumps(error.error.body), error.error.status, error_format.headers(request.state.request_id))


def format_for(scope: Scope, formats: Sequence[ErrorFormat]) -> ErrorFormat | None:
    """Return the error format of the API that a request is for, if it is for one."""
    if scope["type"] != "http":
        return None
    return next((each for each in formats if each.matches(scope["method"], scope["path"])), None)
