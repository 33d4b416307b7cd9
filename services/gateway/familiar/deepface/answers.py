"""What DeepFace's API answers, with our emotions in it."""

from typing import Any

from services.contracts.prediction import FaceEmotion, Prediction
from services.contracts.problems import Problem, ProblemKind
from services.gateway.familiar.face_probability import FACE_PROBABILITY
from services.gateway.familiar.shapes import ErrorShape, OwnError

PATH = "/analyze"
_BAD_REQUEST = (ProblemKind.INVALID_PARAMETER, ProblemKind.INVALID_IMAGE, ProblemKind.IMAGE_TOO_LARGE)


def analysis(found: Prediction) -> dict[str, Any]:
    """Return the answer; scores are percentages, the primary face comes first."""
    return {"results": [_face(face) for face in found.faces]}


def no_face() -> OwnError:
    """Return the error where there must be a face."""
    return refused("Face could not be detected in the picture; with enforce_detection=false the list is empty instead")


def refused(detail: str) -> OwnError:
    """Return the error for a request that can't be answered."""
    return OwnError(400, {"error": f"Exception while analyzing: {detail}"})


def _error(problem: Problem) -> OwnError:
    if problem.kind in _BAD_REQUEST:
        return refused(problem.detail)
    if problem.kind is ProblemKind.UNAUTHORIZED:
        return OwnError(401, {"message": problem.detail})
    return OwnError(problem.kind.status, {"error": problem.detail})


SHAPE = ErrorShape(lambda _, path: path == PATH, _error)


def _face(face: FaceEmotion) -> dict[str, Any]:
    return {
        "emotion": {name.value: 100 * score for name, score in face.probabilities.items()},
        "dominant_emotion": face.emotion.value,
        "region": {
            "x": face.box.x,
            "y": face.box.y,
            "w": face.box.w,
            "h": face.box.h,
            "left_eye": None,
            "right_eye": None,
        },
        "face_confidence": FACE_PROBABILITY,
    }
