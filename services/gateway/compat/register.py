"""Adds the compatible APIs that the settings name to the gateway."""

from collections.abc import Collection, Mapping
from functools import partial
from types import MappingProxyType

from fastapi import FastAPI

from services.contracts.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemKind
from services.gateway.compat import compreface, deepface, open_inference, rekognition
from services.gateway.compat.base import CompatApiError, ErrorFormat
from services.gateway.compat.errors import on_api_error, render_problem
from services.gateway.security.auth import AccessControl
from services.gateway.settings import CompatApi
from services.runtime.openapi import Operation, add_problems

_ERROR_FORMATS: Mapping[CompatApi, ErrorFormat] = MappingProxyType(
    {
        CompatApi.DEEPFACE: deepface.ERROR_FORMAT,
        CompatApi.COMPREFACE: compreface.ERROR_FORMAT,
        CompatApi.REKOGNITION: rekognition.ERROR_FORMAT,
        CompatApi.OPEN_INFERENCE: open_inference.ERROR_FORMAT,
    }
)


def error_formats(apis: Collection[CompatApi]) -> list[ErrorFormat]:
    """Return the error formats of these APIs."""
    return [_ERROR_FORMATS[api] for api in apis]


def add_compat_apis(app: FastAPI, apis: Collection[CompatApi], access: AccessControl) -> None:
    """Add the routes of these APIs and their error formats."""
    if not apis:
        return
    if CompatApi.DEEPFACE in apis:
        app.include_router(deepface.router, dependencies=access.dependencies())
    if CompatApi.COMPREFACE in apis:
        app.include_router(compreface.router, dependencies=access.dependencies())
    if CompatApi.REKOGNITION in apis:
        app.include_router(rekognition.router, dependencies=access.dependencies(extractor=rekognition.credential))
    if CompatApi.OPEN_INFERENCE in apis:
        app.include_router(open_inference.health_router)
        app.include_router(open_inference.router, dependencies=access.dependencies())
    formats = error_formats(apis)
    app.add_exception_handler(CompatApiError, partial(on_api_error, formats))
    app.state.problem_renderer = partial(render_problem, formats)


def document_errors(formats: Collection[ErrorFormat], name: str, operation: Operation) -> None:
    """Document the errors of an operation in the format of its API, if that has one."""
    method, _, path = name.partition(" ")
    error_format = next((error_format for error_format in formats if error_format.matches(method, path)), None)
    if error_format is None:
        return
    # Responses that uvicorn makes before the path is known stay RFC 9457 problems.
    responses = {status: response for status, response in operation["responses"].items() if status < "400"}
    documented = [kind for kind in ProblemKind if _is_documented(kind, operation)]
    statuses = {"400", *(str(error_format.render(Problem(kind, "")).status) for kind in documented)}
    content = {error_format.media_type: {"schema": {"type": "object"}}}
    for status in sorted(statuses):
        responses[status] = {"description": "An error in the form of this API", "content": dict(content)}
    operation["responses"] = responses
    add_problems(operation, [ProblemKind.BAD_REQUEST])


def _is_documented(kind: ProblemKind, operation: Operation) -> bool:
    response = operation["responses"].get(str(kind.status), {})
    return PROBLEM_MEDIA_TYPE in response.get("content", {}) and f"`{kind.value.slug}`" in response["description"]
