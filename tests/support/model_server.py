"""The model server as a process, calls to it with the official stubs, and its configuration files."""

import shutil
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from numpy.typing import NDArray
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from launcher.ports import free_ports
from tests.support.processes import ModuleProcess
from tests.support.waiting import DEFAULT_TIMEOUT_S


class ServerProcess(ModuleProcess):
    """``python -m services.serving`` with flags, and clients for gRPC and REST."""

    def __init__(self, name: str, base: Path, log: Path, *, rest: bool = True, extra: tuple[str, ...] = ()) -> None:
        self.name = name
        self.port, rest_port = free_ports(2)
        self.rest_port = rest_port if rest else 0
        flags = [f"--port={self.port}", "--rest_api_port", str(self.rest_port), f"--model_name={name}"]
        super().__init__("services.serving", log, {}, [*flags, "--model_base_path", str(base), *extra])
        self._rest_url = f"http://127.0.0.1:{self.rest_port}"
        self.http = httpx.Client(base_url=self._rest_url, timeout=DEFAULT_TIMEOUT_S, trust_env=False)
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self.port}",
            options=[
                ("grpc.max_reconnect_backoff_ms", 200),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_receive_message_length", -1),
            ],
        )

    def __exit__(self, *reason: object) -> None:
        self.channel.close()
        self.http.close()
        super().__exit__(*reason)

    def wait_for_grpc(self) -> None:
        grpc.channel_ready_future(self.channel).result(DEFAULT_TIMEOUT_S)

    def wait_until_ready(self) -> None:
        self.wait_until_answers(f"{self._rest_url}/readyz")

    def is_ready(self) -> bool:
        """Return whether the server is ready; fail if it has exited."""
        assert not self.has_ended(), self.log()
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False


TIMEOUT_S = 20.0


def content(array: NDArray[Any]) -> TensorProto:
    """Return an array as ``tensor_content``."""
    proto = TensorProto(dtype=tf.as_dtype(array.dtype).as_datatype_enum, tensor_content=array.tobytes())
    for length in array.shape:
        proto.tensor_shape.dim.add(size=length)
    return proto


def floats(*values: float, shape: tuple[int, ...] | None = None) -> TensorProto:
    """Return numbers as ``float_val``."""
    proto = TensorProto(dtype=tf.float32.as_datatype_enum, float_val=values)
    for length in (len(values),) if shape is None else shape:
        proto.tensor_shape.dim.add(size=length)
    return proto


def predict(
    server: ServerProcess,
    inputs: dict[str, TensorProto],
    spec: ModelSpec | None = None,
    outputs: tuple[str, ...] = (),
    timeout_s: float = TIMEOUT_S,
) -> PredictResponse:
    request = PredictRequest(model_spec=spec or ModelSpec(name=server.name), inputs=inputs, output_filter=outputs)
    return PredictionServiceStub(server.channel).Predict(request, timeout=timeout_s)


def predict_error(
    server: ServerProcess, inputs: dict[str, TensorProto], spec: ModelSpec | None = None, outputs: tuple[str, ...] = ()
) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        predict(server, inputs, spec, outputs)
    return code_and_details(caught.value)


def code_and_details(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    assert isinstance(error, grpc.Call)
    return error.code(), error.details() or ""


def arrays(response: PredictResponse) -> dict[str, NDArray[Any]]:
    return {name: np.asarray(tf.make_ndarray(proto)) for name, proto in response.outputs.items()}


def statuses(server: ServerProcess, spec: ModelSpec | None = None) -> list[ModelVersionStatus]:
    request = GetModelStatusRequest(model_spec=spec or ModelSpec(name=server.name))
    response = ModelServiceStub(server.channel).GetModelStatus(request, timeout=TIMEOUT_S)
    return list(response.model_version_status)


def entry(name: str, base: Path, *more: str) -> str:
    rest = "\n    ".join(more)
    return f"""
  config {{
    name: "{name}"
    base_path: "{base}"
    model_platform: "tensorflow"
    {rest}
  }}"""


def model_list(*entries: str) -> str:
    return "model_config_list {" + "".join(entries) + "\n}\n"


def message(text: str) -> ModelServerConfig:
    return text_format.Parse(text, ModelServerConfig())


def specific(*versions: int) -> str:
    return "model_version_policy { specific { " + " ".join(f"versions: {version}" for version in versions) + " } }"


def label(name: str, version: int) -> str:
    return f'version_labels {{ key: "{name}" value: {version} }}'


def replace(path: Path, text: str) -> None:
    """Replace a file atomically, like an editor or a mounted ConfigMap."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def deliver(version: Path, base: Path) -> None:
    """Copy a version so that it appears atomically."""
    base.mkdir(exist_ok=True)
    arriving = base / f"{version.name}.part"
    shutil.copytree(version, arriving)
    arriving.rename(base / version.name)
