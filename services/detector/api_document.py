"""What the detector's OpenAPI document says of ``POST /detect`` beyond what FastAPI knows."""

from services.contracts.detection import DETECT_PATH, IMAGE_MEDIA_TYPES
from services.contracts.problems import ProblemKind
from services.runtime.openapi import WITH_BODY, Document, add_problems

_PROBLEMS = (*WITH_BODY, ProblemKind.INVALID_PARAMETER, ProblemKind.INVALID_IMAGE, ProblemKind.IMAGE_TOO_LARGE)
_IMAGE = {"schema": {"type": "string", "format": "binary"}}


def describe_detection(document: Document) -> None:
    """Document the body, the answer and the problems of ``POST /detect``."""
    operation = document["paths"][DETECT_PATH]["post"]
    operation["requestBody"] = {"required": True, "content": dict.fromkeys(IMAGE_MEDIA_TYPES, _IMAGE)}
    add_problems(operation, _PROBLEMS)
