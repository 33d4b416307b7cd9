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

    BAD_REQUEST = _Kind("bad-request", 400, "The request is not valid HTTP")
    UNAUTHORIZED = _Kind("unauthorized", 401, "No API key, or a wrong one")
    FOREIGN_ORIGIN = _Kind("foreign-origin", 403, "A web page from elsewhere may not ask")
    NOT_FOUND = _Kind("not-found", 404, "No such route")
    CAMERA_NOT_FOUND = _Kind("camera-not-found", 404, "No such camera")
    METHOD_NOT_ALLOWED = _Kind("method-not-allowed", 405, "Wrong method for this route")
    BODY_TOO_SLOW = _Kind("body-too-slow", 408, "The body came too slowly")
    BODY_TOO_LARGE = _Kind("body-too-large", 413, "The body is over the limit")
    UNSUPPORTED_MEDIA_TYPE = _Kind("unsupported-media-type", 415, "The media type is not accepted")
    UNKNOWN_HOST = _Kind("unknown-host", 421, "The request names another host")
    INVALID_PARAMETER = _Kind("invalid-parameter", 422, "A parameter or form is malformed")
    INVALID_IMAGE = _Kind("invalid-image", 422, "Not an image that can be decoded")
    IMAGE_TOO_LARGE = _Kind("image-too-large", 422, "The image has too many pixels")
    CAMERA_AMBIGUOUS = _Kind("camera-ambiguous", 422, "Several cameras, and none named")
    RATE_LIMITED = _Kind("rate-limited", 429, "Too many requests", 1)
    INTERNAL = _Kind("internal", 500, "The service failed")
    NO_CAMERA = _Kind("no-camera", 503, "No camera has registered", 2)
    NO_FRESH_FRAME = _Kind("no-fresh-frame", 503, "The camera has no fresh frame", 2)
    DEPENDENCY_UNAVAILABLE = _Kind("dependency-unavailable", 503, "A service that is needed can't be reached", 2)
    OVERLOADED = _Kind("overloaded", 503, "Too many requests in flight", 1)
    STOPPING = _Kind("stopping", 503, "The service is stopping", 1)
    DEPENDENCY_TIMEOUT = _Kind("dependency-timeout", 504, "A service that is needed took too long")

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
        kind: What went wrong.
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
