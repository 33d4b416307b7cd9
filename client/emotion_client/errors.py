"""The exceptions of the client: one for each family of problems that the gateway responds with."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.contracts.problems import ProblemKind


class EmotionError(Exception):
    """Base class of all errors of the client."""


class UnreachableError(EmotionError):
    """The gateway can't be reached or didn't respond in time."""


class UnexpectedResponseError(EmotionError):
    """The response isn't one that a gateway of this version sends."""


class ProblemError(EmotionError):
    """The gateway responded with problem details (RFC 9457); the subclass tells the family of the problem.

    Attributes:
        status: The HTTP status.
        type: URI of the kind of problem.
        title: A sentence for the kind.
        detail: A sentence about this occurrence.
        request_id: Id of the request in the gateway's log.
        retry_after: Seconds to wait before another attempt, if the gateway gives them.
        dependency: The service that is unavailable, if that is the problem.
        cameras: The cameras to choose from, if that is the problem.
        members: The whole problem object.
    """

    def __init__(self, members: Mapping[str, Any], status: int, retry_after: float | None = None) -> None:
        """Read the problem's members; one that is missing or has the wrong type is ignored."""
        self.members = dict(members)
        self.status = status
        self.type = _text(members, "type") or "about:blank"
        self.title = _text(members, "title") or f"HTTP status {status}"
        self.detail = _text(members, "detail")
        self.request_id = _text(members, "request_id")
        self.retry_after = retry_after
        self.dependency = _text(members, "dependency") or None
        self.cameras = _names(members.get("cameras"))
        super().__init__(self.detail or self.title)

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickling."""
        return type(self), (self.members, self.status, self.retry_after)


class AccessError(ProblemError):
    """No API key or a wrong one, a cross-origin request, or a host name that isn't allowed."""


class RequestError(ProblemError):
    """The request is malformed, or the gateway has no such route."""


class ImageError(ProblemError):
    """The image can't be decoded, or is too large."""


class CameraNotFoundError(ProblemError):
    """There is no such camera."""


class CameraAmbiguousError(ProblemError):
    """There are several cameras (``cameras``), and the request named none."""


class RateLimitedError(ProblemError):
    """Too many requests; wait ``retry_after`` seconds."""


class UnavailableError(ProblemError):
    """The gateway can't answer now: it is stopping or overloaded, or the service ``dependency`` is unavailable."""


class CameraUnavailableError(UnavailableError):
    """There is no camera, or the camera has no fresh frame."""


class DependencyTimeoutError(ProblemError):
    """The service ``dependency`` took too long."""


class ServerError(ProblemError):
    """The gateway failed; its log has the error under ``request_id``."""


ERROR_OF_KIND: Mapping[ProblemKind, type[ProblemError]] = {
    ProblemKind.BAD_REQUEST: RequestError,
    ProblemKind.UNAUTHORIZED: AccessError,
    ProblemKind.CROSS_ORIGIN_FORBIDDEN: AccessError,
    ProblemKind.NOT_FOUND: RequestError,
    ProblemKind.CAMERA_NOT_FOUND: CameraNotFoundError,
    ProblemKind.METHOD_NOT_ALLOWED: RequestError,
    ProblemKind.BODY_TOO_SLOW: RequestError,
    ProblemKind.BODY_TOO_LARGE: ImageError,
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: ImageError,
    ProblemKind.UNKNOWN_HOST: AccessError,
    ProblemKind.INVALID_PARAMETER: RequestError,
    ProblemKind.INVALID_IMAGE: ImageError,
    ProblemKind.IMAGE_TOO_LARGE: ImageError,
    ProblemKind.CAMERA_AMBIGUOUS: CameraAmbiguousError,
    ProblemKind.RATE_LIMITED: RateLimitedError,
    ProblemKind.INTERNAL: ServerError,
    ProblemKind.NO_CAMERA: CameraUnavailableError,
    ProblemKind.NO_FRESH_FRAME: CameraUnavailableError,
    ProblemKind.DEPENDENCY_UNAVAILABLE: UnavailableError,
    ProblemKind.OVERLOADED: UnavailableError,
    ProblemKind.STOPPING: UnavailableError,
    ProblemKind.DEPENDENCY_TIMEOUT: DependencyTimeoutError,
}

_ERROR_OF_STATUS: Mapping[int, type[ProblemError]] = {
    401: AccessError,
    403: AccessError,
    429: RateLimitedError,
    503: UnavailableError,
    504: DependencyTimeoutError,
}


def problem_error(members: Mapping[str, Any], status: int, retry_after: float | None = None) -> ProblemError:
    """Return the exception for a problem; the exception for an unknown type follows from the status."""
    by_type = {kind.type: error for kind, error in ERROR_OF_KIND.items()}
    by_status = _ERROR_OF_STATUS.get(status, RequestError if status < 500 else ServerError)
    error = by_type.get(str(members.get("type")), by_status)
    return error(members, status, retry_after)


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _names(value: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
