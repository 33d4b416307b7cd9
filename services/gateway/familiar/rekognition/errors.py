"""How Rekognition tells what went wrong (its developer guide, Error handling; AWS, Common errors)."""

from services.contracts.problems import Problem, ProblemKind
from services.gateway.familiar.shapes import ErrorShape, OwnError

PATH = "/"
MEDIA_TYPE = "application/x-amz-json-1.1"
REQUEST_ID_HEADER = "x-amzn-RequestId"
_TYPES = {
    ProblemKind.UNAUTHORIZED: (403, "UnrecognizedClientException"),
    ProblemKind.FOREIGN_ORIGIN: (403, "AccessDeniedException"),
    ProblemKind.BODY_TOO_SLOW: (408, "RequestTimeoutException"),
    ProblemKind.BODY_TOO_LARGE: (413, "ImageTooLargeException"),
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: (415, "UnsupportedMediaTypeException"),
    ProblemKind.UNKNOWN_HOST: (421, "AccessDeniedException"),
    ProblemKind.INVALID_PARAMETER: (400, "InvalidParameterException"),
    ProblemKind.INVALID_IMAGE: (400, "InvalidImageFormatException"),
    ProblemKind.IMAGE_TOO_LARGE: (400, "ImageTooLargeException"),
    ProblemKind.RATE_LIMITED: (400, "ProvisionedThroughputExceededException"),
    ProblemKind.OVERLOADED: (500, "ThrottlingException"),
    ProblemKind.STOPPING: (503, "ServiceUnavailableException"),
    ProblemKind.DEPENDENCY_UNAVAILABLE: (503, "ServiceUnavailableException"),
    ProblemKind.DEPENDENCY_TIMEOUT: (504, "ServiceUnavailableException"),
}


def error(status: int, name: str, message: str) -> OwnError:
    """Return an error of that name; SDKs make an exception of it."""
    return OwnError(status, {"__type": name, "Code": name, "Message": message})


def _error(problem: Problem) -> OwnError:
    status, name = _TYPES.get(problem.kind, (problem.kind.status, "InternalServerError"))
    return error(status, name, problem.detail)


SHAPE = ErrorShape(lambda method, path: method == "POST" and path == PATH, _error, MEDIA_TYPE, REQUEST_ID_HEADER)
