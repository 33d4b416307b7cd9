"""Completes the OpenAPI document: problems, API keys, and the bodies of the compatible APIs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from services.contracts.problems import ProblemKind
from services.gateway.api.uploads import FORM_MEDIA_TYPE
from services.gateway.security.auth import API_KEY_HEADER, API_KEY_QUERY
from services.runtime.openapi import BODY_PROBLEMS, Document, Operation, add_problems, operations, set_content

Kind = ProblemKind

_ACCESS = (Kind.UNAUTHORIZED, Kind.RATE_LIMITED)
_DEPENDENCY = (Kind.DEPENDENCY_UNAVAILABLE, Kind.DEPENDENCY_TIMEOUT)
_CAMERA = (Kind.CAMERA_NOT_FOUND, Kind.INVALID_PARAMETER, Kind.NO_FRESH_FRAME, *_DEPENDENCY)
_IMAGE = (Kind.INVALID_IMAGE, Kind.IMAGE_TOO_LARGE)
_UPLOAD = (*BODY_PROBLEMS, Kind.INVALID_PARAMETER, *_IMAGE, *_DEPENDENCY)
_TENSOR = (Kind.NOT_FOUND, *BODY_PROBLEMS, Kind.INVALID_PARAMETER, *_DEPENDENCY)

OPEN = frozenset({"GET /healthz", "GET /readyz", "GET /metrics", "GET /v2/health/live", "GET /v2/health/ready"})
"""Operations without API key and rate limit."""

KEY_IN_QUERY = frozenset({"GET /cameras/{camera}/events", "GET /cameras/{camera}/video"})
"""Operations that also accept the key in the query."""

SIGNED = frozenset({"POST /"})
"""Operations that also accept the key in an AWS signature."""

PROBLEMS: Mapping[str, Sequence[ProblemKind]] = MappingProxyType(
    {
        "GET /healthz": (),
        "GET /readyz": (),
        "GET /metrics": (),
        "GET /services": (),
        "GET /cameras": _DEPENDENCY,
        "GET /cameras/{camera}/frame.jpg": _CAMERA,
        "GET /cameras/{camera}/events": _CAMERA,
        "GET /cameras/{camera}/video": _CAMERA,
        "GET /predict": (Kind.CAMERA_AMBIGUOUS, Kind.NO_CAMERA, *_IMAGE, *_CAMERA),
        "POST /predict": _UPLOAD,
        "POST /analyze": _UPLOAD,
        "POST /api/v1/detection/detect": _UPLOAD,
        "POST /": _UPLOAD,
        "GET /v2": (),
        "GET /v2/health/live": (),
        "GET /v2/health/ready": _DEPENDENCY,
        "GET /v2/models/{name}": (Kind.NOT_FOUND, *_DEPENDENCY),
        "GET /v2/models/{name}/ready": (Kind.NOT_FOUND, *_DEPENDENCY),
        "POST /v2/models/{name}/infer": _TENSOR,
    }
)
"""Problems of each operation, without ``COMMON_PROBLEMS`` and those of API keys and rate limit."""

_BINARY = {"type": "string", "format": "binary"}
_BASE64 = {"type": "string", "format": "byte"}
_SECURITY_SCHEMES: Mapping[str, Document] = MappingProxyType(
    {
        "ApiKeyHeader": {"type": "apiKey", "in": "header", "name": API_KEY_HEADER},
        "Bearer": {"type": "http", "scheme": "bearer", "description": "The API key as a bearer token."},
        "ApiKeyQuery": {
            "type": "apiKey",
            "in": "query",
            "name": API_KEY_QUERY,
            "description": "Only for feeds, to which browsers can't send headers.",
        },
        "AwsSignature": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "AWS Signature Version 4, whose access key id is the API key; the signature isn't checked.",
        },
    }
)


def _form(field: str) -> Document:
    return {"type": "object", "required": [field], "properties": {field: _BINARY}}


def _json(**properties: Any) -> Document:
    return {"type": "object", "properties": properties}


_RESPONSES: Mapping[str, Mapping[str, Document]] = MappingProxyType(
    {
        "GET /cameras/{camera}/frame.jpg": {"image/jpeg": _BINARY},
        "POST /": {"application/x-amz-json-1.1": _json()},
        "POST /v2/models/{name}/infer": {"application/json": _json(), "application/octet-stream": _BINARY},
    }
)
"""Responses with status 200 whose media types FastAPI doesn't know."""

_BODIES: Mapping[str, Mapping[str, Document]] = MappingProxyType(
    {
        "POST /analyze": {
            "application/json": _json(img={"type": "string"}, actions={"type": "array", "items": {"type": "string"}}),
            FORM_MEDIA_TYPE: _form("img"),
            "application/x-www-form-urlencoded": _json(img={"type": "string"}),
        },
        "POST /api/v1/detection/detect": {"application/json": _json(file=_BASE64), FORM_MEDIA_TYPE: _form("file")},
        "POST /": {
            "application/x-amz-json-1.1": _json(
                Image=_json(Bytes=_BASE64), Attributes={"type": "array", "items": {"type": "string"}}
            )
        },
        "POST /v2/models/{name}/infer": {
            "application/json": _json(
                id={"type": "string"}, inputs={"type": "array", "items": {"type": "object"}, "minItems": 1}
            ),
            "application/octet-stream": _BINARY,
        },
    }
)
"""Bodies of the compatible APIs, in outline."""


@dataclass(frozen=True)
class ApiDocument:
    """Completes the document that FastAPI makes.

    Attributes:
        needs_key: Whether API keys are set; if not, they are documented as optional.
        document_errors: Called with each operation, to document errors that aren't problems.
    """

    needs_key: bool
    document_errors: Callable[[str, Operation], None] = lambda _name, _operation: None

    def __call__(self, document: Document) -> None:
        """Complete the document in place."""
        document["components"]["securitySchemes"] = {
            name: scheme
            for name, scheme in _SECURITY_SCHEMES.items()
            if name != "AwsSignature" or any(name in SIGNED for name, _ in operations(document))
        }
        for name, operation in operations(document):
            add_problems(operation, PROBLEMS.get(name, ()))
            if name not in OPEN:
                add_problems(operation, _ACCESS)
                operation["security"] = self._security(name)
            if name in _BODIES:
                content = {media_type: {"schema": schema} for media_type, schema in _BODIES[name].items()}
                operation["requestBody"] = {"required": True, "content": content}
            if name in _RESPONSES:
                set_content(operation, _RESPONSES[name])
            self.document_errors(name, operation)

    def _security(self, name: str) -> list[dict[str, list[str]]]:
        schemes = ["ApiKeyHeader", "Bearer"]
        schemes += ["ApiKeyQuery"] if name in KEY_IN_QUERY else []
        schemes += ["AwsSignature"] if name in SIGNED else []
        security: list[dict[str, list[str]]] = [{scheme: []} for scheme in schemes]
        return security if self.needs_key else [*security, {}]
