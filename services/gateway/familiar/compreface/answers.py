"""What CompreFace's face detection answers, with the emotion as a plugin of it."""

from typing import Any

from services.contracts.prediction import FaceEmotion, Prediction
from services.contracts.problems import Problem, ProblemKind
from services.gateway.familiar.compreface.asked import Detect
from services.gateway.familiar.face_probability import FACE_PROBABILITY
from services.gateway.familiar.largest import largest_first
from services.gateway.familiar.shapes import ErrorShape, OwnError

PATH = "/api/v1/detection/detect"
_UNDEFINED = 0
_EMPTY_REQUIRED_FIELD = 5
_MODEL_NOT_FOUND = 10
_FILE_EXTENSION = 21
_CONSTRAINT_VIOLATION = 26
_NO_FACES_FOUND = 28
_FACES_SERVICE = 41
_CODES = {
    ProblemKind.UNAUTHORIZED: (401, _MODEL_NOT_FOUND),
    ProblemKind.INVALID_PARAMETER: (400, _CONSTRAINT_VIOLATION),
    ProblemKind.INVALID_IMAGE: (400, _FILE_EXTENSION),
    ProblemKind.IMAGE_TOO_LARGE: (400, _CONSTRAINT_VIOLATION),
    ProblemKind.DEPENDENCY_UNAVAILABLE: (503, _FACES_SERVICE),
    ProblemKind.DEPENDENCY_TIMEOUT: (504, _FACES_SERVICE),
}
"""CompreFace's codes (CommonExceptionCode.java); where it has none, our status says more than its 400."""


def detection(found: Prediction, asked: Detect) -> dict[str, Any]:
    """Return the answer for those of the faces that were asked for, the largest first."""
    answer: dict[str, Any] = {"result": [_face(face, found, asked) for face in wanted(found, asked)]}
    if asked.status:
        versions = {"detector": "haar.FaceDetector", "emotion": f"{found.model.name}.{found.model.version}"}
        answer["plugins_versions"] = versions
    return answer


def wanted(found: Prediction, asked: Detect) -> list[FaceEmotion]:
    """Return the faces that were asked for, the largest first."""
    probable = largest_first(found.faces) if asked.threshold <= FACE_PROBABILITY else []
    return probable[: asked.limit] if asked.limit else probable


def no_face() -> OwnError:
    """Return the error where there is no face; clients compare code and sentence."""
    return OwnError(400, {"message": "No face is found in the given image", "code": _NO_FACES_FOUND})


def no_file() -> OwnError:
    """Return the error where the image is left out."""
    return OwnError(400, {"message": "Required field is empty: file", "code": _EMPTY_REQUIRED_FIELD})


def refused(detail: str) -> OwnError:
    """Return the error for a request that can't be answered."""
    return OwnError(400, {"message": detail, "code": _CONSTRAINT_VIOLATION})


def _error(problem: Problem) -> OwnError:
    status, code = _CODES.get(problem.kind, (problem.kind.status, _UNDEFINED))
    return OwnError(status, {"message": problem.detail, "code": code})


SHAPE = ErrorShape(lambda _, path: path.startswith("/api/v1/"), _error)


def _face(face: FaceEmotion, found: Prediction, asked: Detect) -> dict[str, Any]:
    described: dict[str, Any] = {
        "box": {
            "probability": FACE_PROBABILITY,
            "x_max": face.box.x + face.box.w,
            "y_max": face.box.y + face.box.h,
            "x_min": face.box.x,
            "y_min": face.box.y,
        },
        "emotion": {"probability": face.confidence, "value": face.emotion.value},
    }
    if asked.status:
        described["execution_time"] = {"detector": found.timings_ms.detect, "emotion": found.timings_ms.infer}
    return described
