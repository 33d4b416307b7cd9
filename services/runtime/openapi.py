"""Completes the OpenAPI document that FastAPI makes: problem responses, and no error that is never answered."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from services.contracts.problems import PROBLEM_MEDIA_TYPE, ProblemKind

Document = dict[str, Any]
Operation = dict[str, Any]

COMMON_PROBLEMS = (
    ProblemKind.BAD_REQUEST,
    ProblemKind.CROSS_ORIGIN_FORBIDDEN,
    ProblemKind.UNKNOWN_HOST,
    ProblemKind.INTERNAL,
    ProblemKind.OVERLOADED,
    ProblemKind.STOPPING,
)
"""Problems that every operation can answer."""

BODY_PROBLEMS = (ProblemKind.BODY_TOO_SLOW, ProblemKind.BODY_TOO_LARGE, ProblemKind.UNSUPPORTED_MEDIA_TYPE)
"""Problems of operations that read a body."""

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_FASTAPI_SCHEMAS = ("HTTPValidationError", "ValidationError")
_PROBLEM_NAME = "Problem"
_PROBLEM_SCHEMA: Document = {
    "title": _PROBLEM_NAME,
    "description": "Problem details (RFC 9457). Some kinds have further members.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "The kind, such as `urn:emotion:problem:invalid-image`."},
        "title": {"type": "string", "description": "A sentence for the kind."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "A sentence about this occurrence."},
        "request_id": {"type": "string", "description": "The id under which the service logs the request."},
    },
}
_PROBLEM_CONTENT = {"schema": {"$ref": f"#/components/schemas/{_PROBLEM_NAME}"}}


def complete_document(app: FastAPI, complete: Callable[[Document], None]) -> None:
    """Call a function with the application's OpenAPI document, once, when the document is first made.

    Functions that are given in several calls run in the order of the calls.
    """
    make = app.openapi

    def openapi() -> Document:
        is_new = app.openapi_schema is None
        document = make()
        if is_new:
            complete(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI documents it


def operations(document: Document) -> Iterator[tuple[str, Operation]]:
    """Yield each operation by its method and path, such as ``GET /predict``."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def add_common_problems(document: Document) -> None:
    """Document the problems of every operation.

    FastAPI's own schema of 422 is replaced, since services answer 422 with a problem too.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPI_SCHEMAS:
        schemas.pop(name, None)
    schemas[_PROBLEM_NAME] = _PROBLEM_SCHEMA
    for _, operation in operations(document):
        if "HTTPValidationError" in str(operation["responses"].get("422")):
            del operation["responses"]["422"]
            add_problems(operation, [ProblemKind.INVALID_PARAMETER])
        add_problems(operation, COMMON_PROBLEMS)


def add_problems(operation: Operation, kinds: Iterable[ProblemKind]) -> None:
    """Document problems of an operation, beside what is documented for the same statuses."""
    for kind in kinds:
        response = operation["responses"].setdefault(str(kind.status), {"description": ""})
        content = response.setdefault("content", {})
        line = f"`{kind.value.slug}`: {kind.title}."
        if line not in response["description"]:
            response["description"] = f"{response['description']} {line}".strip()
        content[PROBLEM_MEDIA_TYPE] = _PROBLEM_CONTENT
        if kind.retry_after_s is not None:
            response.setdefault("headers", {})["Retry-After"] = {
                "description": "Seconds after which another try makes sense.",
                "schema": {"type": "string"},
            }
    operation["responses"] = dict(sorted(operation["responses"].items()))


def set_content(operation: Operation, contents: Mapping[str, Document]) -> None:
    """Document what an operation answers with 200: schemas by media type, in place of what FastAPI assumes."""
    operation["responses"]["200"]["content"] = {name: {"schema": schema} for name, schema in contents.items()}
