"""What the OpenAPI document of the REST interface says of errors: they have TensorFlow Serving's form."""

from services.contracts.problems import PROBLEM_MEDIA_TYPE
from services.runtime.openapi import Document, operations

_PREFIX = "/v1/models/"
_STATUSES = {
    "400": "The request is malformed, or doesn't fit the model",
    "404": "No such model or version",
    "408": "Request body too slow",
    "413": "Request body too large",
    "429": "Too many requests",
    "500": "The server or the model failed",
    "501": "Not implemented",
    "503": "Too many requests wait, or the server is stopping",
    "504": "The answer took too long",
}
_ERROR = {"schema": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}}


def describe_errors(document: Document) -> None:
    """Document the errors of the operations on models, besides the problems that every service answers."""
    for name, operation in operations(document):
        if _PREFIX not in name:
            continue
        for status, description in _STATUSES.items():
            response = operation["responses"].setdefault(status, {})
            kept = response.get("content", {}) if status in ("400", "500") else {}  # of HTTP itself, and of a failure
            content = {"application/json": _ERROR, **{key: kept[key] for key in kept if key == PROBLEM_MEDIA_TYPE}}
            operation["responses"][status] = {**response, "description": description, "content": content}
        if name.startswith("POST "):
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": {}}}}
