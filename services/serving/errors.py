"""What a caller can be told went wrong: one exception for each gRPC status the server answers with."""

import grpc

MESSAGE_LIMIT = 1500
"""Characters of a message that are sent; a gRPC status travels in headers, which clients limit to 8 KB."""

_HTTP_STATUS = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
_CODE_OF_NUMBER = {code.value[0]: code for code in grpc.StatusCode}


class ServingError(Exception):
    """Ends a request. The message is for the caller and is cut at ``MESSAGE_LIMIT`` characters."""

    code = grpc.StatusCode.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…")


class InvalidArgumentError(ServingError):
    """The request itself is wrong: names, types, shapes, malformed JSON."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFoundError(ServingError):
    """No such model or version, or none that can answer yet."""

    code = grpc.StatusCode.NOT_FOUND


class FailedPreconditionError(ServingError):
    """The request is well formed, and what it needs isn't there."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class SignatureNotFoundError(FailedPreconditionError):
    """The model has no such signature."""


class UnavailableError(ServingError):
    """There is too much to do; another try may succeed."""

    code = grpc.StatusCode.UNAVAILABLE


class DeadlineError(ServingError):
    """The answer took longer than it may."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class PermissionDeniedError(ServingError):
    """The server's configuration doesn't allow this."""

    code = grpc.StatusCode.PERMISSION_DENIED


class ResourceExhaustedError(ServingError):
    """The request asks for more than it may have, or comes beside too many others."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class UnknownError(ServingError):
    """Something failed elsewhere than in this request."""

    code = grpc.StatusCode.UNKNOWN


class UnsupportedError(ServingError):
    """This can't be done: a type that can't be carried this way, a method that isn't written."""

    code = grpc.StatusCode.UNIMPLEMENTED


class InternalError(ServingError):
    """A fault of the server; the reason is in its log."""


class ModelError(ServingError):
    """The model's own computation, or its loading, failed with a code of TensorFlow's."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.code = _CODE_OF_NUMBER.get(number, grpc.StatusCode.UNKNOWN)


def http_status(code: grpc.StatusCode) -> int:
    """Return the HTTP status that the REST interface gives for a gRPC status."""
    return _HTTP_STATUS.get(code, 500)


def number_of(code: grpc.StatusCode) -> int:
    """Return the number that stands for a gRPC status in messages."""
    number: int = code.value[0]
    return number
