import re

import grpc
import pytest
from google.protobuf.wrappers_pb2 import Int64Value
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec

from tests.support.model_server import ServerProcess, code_and_details, statuses


@pytest.mark.parametrize("version", [None, 10])
def test_highest_version_with_a_model_is_available(toys: ServerProcess, version: int | None) -> None:
    number = None if version is None else Int64Value(value=version)
    (status,) = statuses(toys, ModelSpec(name="toys", version=number))
    assert status.version == 10
    assert status.state == ModelVersionStatus.AVAILABLE
    assert (status.status.error_code, status.status.error_message) == (0, "")


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        (ModelSpec(name="unknown"), grpc.StatusCode.NOT_FOUND, "Could not find any versions of model unknown"),
        (
            ModelSpec(name="toys", version=Int64Value(value=9)),
            grpc.StatusCode.NOT_FOUND,
            "Could not find version 9 of model toys",
        ),
        (ModelSpec(), grpc.StatusCode.INVALID_ARGUMENT, "ModelSpec has no name specified."),
    ],
)
def test_unknown_model_or_version(toys: ServerProcess, spec: ModelSpec, code: grpc.StatusCode, message: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        statuses(toys, spec)
    assert code_and_details(caught.value) == (code, message)


def test_tensorflow_is_quiet(toys: ServerProcess) -> None:
    assert re.findall(r"^.*: [IW] .*$", toys.log(), re.MULTILINE) == []
