"""TensorFlow Serving's protobuf messages, without TensorFlow.

``tensorflow-serving-api`` imports all of TensorFlow (seconds, and hundreds of megabytes) for a few
generated modules. They need the package ``tensorflow`` only as the folder that holds them, so an
empty stand-in with that folder's path takes its place while they are imported.
"""

import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager

_PACKAGE = "tensorflow"


@contextmanager
def _stand_in() -> Iterator[None]:
    if _PACKAGE in sys.modules:
        yield
        return
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("the protobuf modules of the package tensorflow are not installed")
    stand_in = types.ModuleType(_PACKAGE)
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules[_PACKAGE] = stand_in
    try:
        yield
    finally:
        del sys.modules[_PACKAGE]


with _stand_in():
    from tensorflow.core.framework import tensor_pb2, types_pb2

    # The last two import all the others. A process that loads TensorFlow as well, as tests do, can't mix messages that
    # were loaded here with ones that TensorFlow loads.
    from tensorflow_serving.apis import (
        get_model_status_pb2,
        model_service_pb2_grpc,  # noqa: F401
        predict_pb2,
        prediction_service_pb2_grpc,  # noqa: F401
    )

__all__ = ["get_model_status_pb2", "predict_pb2", "tensor_pb2", "types_pb2"]
