"""Errors as they travel: RFC 9457 problem details, one kind for each thing that can go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

PROBLEM_MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:emotion:problem:"


@dataclass(frozen=True)
class _Kind:
    slug: str
    status: int
    title: str
    retry_after_s: int | None = None


class ProblemKind(Enum):
    """Every kind of problem a service answers with."""

    BAD_REQUEST = _Kind("bad-request", 400, "Invalid HTTP request")
    UNAUTHORIZED = _Kind("unauthorized", 401, "API key missing or invalid")
    CROSS_ORIGIN_FORBIDDEN = _Kind("cross-origin-forbidden", 403, "Cross-origin request denied")
    NOT_FOUND = _Kind("not-found", 404, "Not found")
    CAMERA_NOT_FOUND = _Kind("camera-not-found", 404, "Camera not found")
    METHOD_NOT_ALLOWED = _Kind("method-not-allowed", 405, "Method not allowed")
    BODY_TOO_SLOW = _Kind("body-too-slow", 408, "Request body too slow")
    BODY_TOO_LARGE = _Kind("body-too-large", 413, "Request body too large")
    UNSUPPORTED_MEDIA_TYPE = _Kind("unsupported-media-type", 415, "Unsupported media type")
    UNKNOWN_HOST = _Kind("unknown-host", 421, "Host header not allowed")
    INVALID_PARAMETER = _Kind("invalid-parameter", 422, "Invalid parameter or form")
    INVALID_IMAGE = _Kind("invalid-image", 422, "Image can't be decoded")
    IMAGE_TOO_LARGE = _Kind("image-too-large", 422, "Image has too many pixels")
    CAMERA_AMBIGUOUS = _Kind("camera-ambiguous", 422, "Camera must be specified")
    RATE_LIMITED = _Kind("rate-limited", 429, "Too many requests", 1)
    INTERNAL = _Kind("internal", 500, "Internal server error")
    NO_CAMERA = _Kind("no-camera", 503, "No camera registered", 2)
    NO_FRESH_FRAME = _Kind("no-fresh-frame", 503, "No fresh frame", 2)
    DEPENDENCY_UNAVAILABLE = _Kind("dependency-unavailable", 503, "Dependency unavailable", 2)
    OVERLOADED = _Kind("overloaded", 503, "Service overloaded", 1)
    STOPPING = _Kind("stopping", 503, "Service is shutting down", 1)
    DEPENDENCY_TIMEOUT = _Kind("dependency-timeout", 504, "Dependency timed out")

    @property
    def type(self) -> str:
        """The URI that names the kind."""
        return _TYPE_PREFIX + self.value.slug

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value.status

    @property
    def title(self) -> str:
        """A sentence that is the same each time."""
        return self.value.title

    @property
    def retry_after_s(self) -> int | None:
        """Seconds after which another try makes sense."""
        return self.value.retry_after_s


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes:
        kind: The kind of error.
        detail: A sentence about this occurrence, for people.
        extensions: Further members, such as ``dependency`` or ``cameras``.
    """

    kind: ProblemKind
    detail: str
    extensions: Mapping[str, Any] = field(default_factory=dict)

    def encode(self, request_id: str) -> dict[str, Any]:
        """Return the ``application/problem+json`` object."""
        return {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "request_id": request_id,
            **self.extensions,
        }


class ServiceError(Exception):
    """Ends a request with a problem. The runtime's handler turns it into a response."""

    def __init__(self, kind: ProblemKind, detail: str, *, retry_after_s: int | None = None, **extensions: Any) -> None:
        """Describe the problem.

        Args:
            kind: The kind of error.
            detail: A sentence about this occurrence.
            retry_after_s: Seconds after which a retry makes sense, if they differ from the kind's.
            extensions: Further members of the problem object.
        """
        super().__init__(detail)
        self.problem = Problem(kind, detail, extensions)
        self.retry_after_s = kind.retry_after_s if retry_after_s is None else retry_after_s
