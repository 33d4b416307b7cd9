"""gRPC messages for the model server: valid requests with mutated fields and bytes."""

from collections.abc import Iterator
from random import Random

import numpy as np

from services.contracts.model import FACE_SHAPE, INPUT_FACE, MODEL_NAME, SIGNATURE_NAME
from services.gateway.adapters.serving_messages import predict_pb2, types_pb2  # does not load TensorFlow
from tests.fuzz.cases import Call, Case
from tests.fuzz.mutation import EDGES, TEXTS, mutated

_PREDICTION = "/tensorflow.serving.PredictionService/"
PREDICT = _PREDICTION + "Predict"
METADATA = _PREDICTION + "GetModelMetadata"
_OTHERS = (
    METADATA,
    _PREDICTION + "Classify",
    _PREDICTION + "Regress",
    _PREDICTION + "MultiInference",
    _PREDICTION + "Nothing",
    "/tensorflow.serving.ModelService/GetModelStatus",
    "/grpc.health.v1.Health/Check",
)
"""Without ReloadConfig, which would change the served models."""

_TYPES = (*range(32), 101, 102, 120, 130, 2**31 - 1)
"""Values of ``DataType``, including reference types and unknown values."""


def grpc_cases(random: Random) -> Iterator[Case]:
    """Yield calls, mostly of ``Predict``."""
    while True:
        method = PREDICT if random.random() < 0.7 else random.choice(_OTHERS)
        message = _predict(random) if method == PREDICT or random.random() < 0.3 else _other(random)
        if random.random() < 0.5:
            message = mutated(message, random, 5)
        if random.random() < 0.05:
            message = random.choice((b"", b"\x0a" * 500, b"\xff" * 30, random.randbytes(100), message * 20))
        yield Case("grpc", Call(method, message))


def valid_predict() -> bytes:
    """Return a valid request."""
    return _request(1, np.full((1, *FACE_SHAPE), 0.5, np.float32).tobytes()).SerializeToString()


def _request(faces: int, content: bytes) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = MODEL_NAME, SIGNATURE_NAME
    tensor = request.inputs[INPUT_FACE]
    tensor.dtype = types_pb2.DT_FLOAT
    for size in (faces, *FACE_SHAPE):
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = content
    return request


def _predict(random: Random) -> bytes:
    faces = random.choice((0, 1, 1, 2, 16))
    value = random.choice((0.0, 0.5, 1.0, np.nan, np.inf, -1.0, 1e38))
    request = _request(faces, np.full((faces, *FACE_SHAPE), value, np.float32).tobytes())
    tensor = request.inputs[INPUT_FACE]
    for _ in range(random.choice((0, 1, 1, 2))):
        match random.randrange(12):
            case 0:
                tensor.dtype = random.choice(_TYPES)
            case 1:
                tensor.tensor_shape.dim.add(size=_signed(random))
            case 2:
                tensor.tensor_shape.dim[random.randrange(4)].size = _signed(random)
            case 3:
                tensor.tensor_shape.unknown_rank = True
            case 4:
                tensor.tensor_content = tensor.tensor_content[: random.randrange(9000)]
            case 5:
                tensor.ClearField("tensor_content")
                tensor.float_val.extend([value] * random.choice((1, 2, 2304, 2305)))
            case 6:
                tensor.string_val.extend([random.choice(TEXTS).encode("utf-8", "replace")] * 3)
            case 7:
                tensor.bool_val.extend([True] * random.choice((1, 2304)))
            case 8:
                request.inputs[_word(random)].CopyFrom(tensor)
            case 9:
                request.output_filter.extend([_word(random)] * random.choice((1, 3, 100)))
            case 10:
                request.model_spec.name = _word(random)
            case _:
                _choose(request, random)
    return bytes(request.SerializeToString())


def _choose(request: predict_pb2.PredictRequest, random: Random) -> None:
    match random.randrange(3):
        case 0:
            request.model_spec.version.value = _signed(random)
        case 1:
            request.model_spec.version_label = _word(random)
        case _:
            request.model_spec.signature_name = _word(random)


def _other(random: Random) -> bytes:
    """Return a request of any method: a ``ModelSpec`` followed by strings."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = random.choice((MODEL_NAME, MODEL_NAME, _word(random)))
    if random.random() < 0.5:
        _choose(request, random)
    words = [
        random.choice(("signature_def", _word(random))).encode()[:100] for _ in range(random.choice((0, 1, 1, 50)))
    ]
    return bytes(request.SerializeToString()) + b"".join(b"\x12%c%s" % (len(word), word) for word in words)


def _word(random: Random) -> str:
    return random.choice((*TEXTS, "face", "probabilities", "emotion", "serving_default", "stable")).replace(
        "\ud800", ""
    )


def _signed(random: Random) -> int:
    return random.choice((*EDGES, -1, -2, 2**62, -(2**63), 48, 1))
