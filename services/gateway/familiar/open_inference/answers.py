"""What the Open Inference Protocol answers."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from services.contracts.model import FACE_SHAPE, INPUT_FACE, MODEL_NAME, OUTPUT_PROBABILITIES, OUTPUT_RELIABLE
from services.contracts.problems import Problem, ProblemKind
from services.gateway.emotions import EmotionScores
from services.gateway.familiar.open_inference.asked import Infer
from services.gateway.familiar.shapes import ErrorShape, OwnError

_BAD_REQUEST = (ProblemKind.INVALID_PARAMETER, ProblemKind.BAD_REQUEST)


def server() -> dict[str, Any]:
    """Return the server's metadata."""
    return {"name": "emotion-gateway", "version": "1", "extensions": ["binary_tensor_data"]}


def model(versions: tuple[int, ...]) -> dict[str, Any]:
    """Return the model's metadata; -1 stands for any number of faces."""
    return {
        "name": MODEL_NAME,
        "versions": [str(version) for version in versions],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": INPUT_FACE, "datatype": "FP32", "shape": [-1, *FACE_SHAPE]}],
        "outputs": [
            {"name": OUTPUT_PROBABILITIES, "datatype": "FP32", "shape": [-1, len(EMOTIONS)]},
            {"name": OUTPUT_RELIABLE, "datatype": "BOOL", "shape": [-1]},
        ],
    }


def inferred(asked: Infer, scores: EmotionScores) -> tuple[bytes, int | None]:
    """Return the answer's body, and how many bytes of it are JSON where binary data follows."""
    tensors: dict[str, tuple[str, NDArray[Any]]] = {
        OUTPUT_PROBABILITIES: ("FP32", scores.probabilities.astype("<f4")),
        OUTPUT_RELIABLE: ("BOOL", scores.reliable.astype(np.bool_)),
    }
    outputs, binary = [], b""
    for name, in_binary in asked.outputs.items():
        datatype, values = tensors[name]
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
        if in_binary:
            output["parameters"] = {"binary_data_size": values.nbytes}
            binary += values.tobytes()
        else:
            output["data"] = values.ravel().tolist()
        outputs.append(output)
    answer: dict[str, Any] = {"model_name": MODEL_NAME, "model_version": scores.version, "outputs": outputs}
    if asked.id is not None:
        answer["id"] = asked.id
    head = json.dumps(answer, allow_nan=False).encode()
    return head + binary, len(head) if binary else None


def refused(detail: str) -> OwnError:
    """Return the error for a request that can't be answered."""
    return OwnError(400, {"error": detail})


def _error(problem: Problem) -> OwnError:
    return OwnError(400 if problem.kind in _BAD_REQUEST else problem.kind.status, {"error": problem.detail})


SHAPE = ErrorShape(lambda _, path: path == "/v2" or path.startswith("/v2/"), _error)
