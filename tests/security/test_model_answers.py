"""An invalid response of the model server becomes a problem, whatever it contains."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.adapters.serving_messages import predict_pb2
from services.gateway.adapters.tf_serving import ModelClient, connect
from services.gateway.protocols import Deadline
from services.gateway.settings import GatewaySettings
from services.runtime.settings import load_settings

FLOAT, BOOL = 1, 10
FACE = np.zeros((1, 48, 48, 1), np.float32)

Answer = bytes | tuple[grpc.StatusCode, str]


def response(
    sizes: tuple[int, ...] = (1, 7), version: int = 1, kind: int = FLOAT, content: bytes | None = None
) -> bytes:
    message = predict_pb2.PredictResponse()
    message.model_spec.version.value = version
    scores, reliable = message.outputs["probabilities"], message.outputs["reliable"]
    scores.dtype = kind
    scores.tensor_content = np.full(7, 1 / 7, np.float32).tobytes() if content is None else content
    for size in sizes:
        scores.tensor_shape.dim.add(size=size)
    reliable.dtype = BOOL
    reliable.bool_val.append(True)
    reliable.tensor_shape.dim.add(size=1)
    return message.SerializeToString(deterministic=True)


@asynccontextmanager
async def model_server(address: str, answer: Answer) -> AsyncIterator[int]:
    """Serve every call with the same bytes or the same status."""

    async def handle(_: bytes, context: Any) -> bytes:
        if isinstance(answer, bytes):
            return answer
        await context.abort(*answer)
        raise AssertionError

    server = grpc.aio.server()
    handler: Any = grpc.unary_unary_rpc_method_handler(handle)
    for service, method in (("PredictionService", "Predict"), ("ModelService", "GetModelStatus")):
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(f"tensorflow.serving.{service}", {method: handler}),)
        )
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


async def call_model(answer: Answer, call: Callable[[ModelClient], Any]) -> Any:
    async with model_server("127.0.0.1:0", answer) as port, connect(f"127.0.0.1:{port}") as channel:
        return await call(ModelClient(channel, 5))


def infer(model: ModelClient) -> Any:
    return model.infer(FACE, Deadline.after(5))


def problem(answer: Answer, call: Callable[[ModelClient], Any]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        asyncio.run(call_model(answer, call))
    return caught.value


def test_valid_response_is_read() -> None:
    scores = asyncio.run(call_model(response(), infer))
    assert (scores.probabilities.shape, scores.reliable.tolist(), scores.version) == ((1, 7), [True], "1")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xff",
        response((7,)),
        response((-1, 7)),
        response((1 << 62, 0)),
        response((1,) * 5000),
        response((1, 7, 1)),
        response(content=b"12345"),
        response(content=bytes(100_000)),
        response(content=np.full(7, np.inf, np.float32).tobytes()),
        response(kind=21),
        response(version=-5),
    ],
    ids=[
        *("empty", "no message", "one dimension", "negative dimension", "huge dimension", "many dimensions"),
        *("three dimensions", "too few bytes", "too many bytes", "infinite", "unknown type", "negative version"),
    ],  # the order of a map's entries in protobuf bytes differs between processes
)
def test_invalid_response_is_a_problem(answer: bytes, caplog: pytest.LogCaptureFixture) -> None:
    refused = problem(answer, infer).problem
    assert refused.kind is ProblemKind.DEPENDENCY_UNAVAILABLE
    assert len(refused.detail) < 500
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("call", [infer, ModelClient.versions])
@pytest.mark.parametrize("answer", [b"\xff\xff", bytes(3 << 20)])
def test_response_that_cannot_be_parsed_is_a_problem(
    answer: bytes, call: Callable[[ModelClient], Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert problem(answer, call).problem.extensions["dependency"] == "model"
    assert not [record for record in caplog.records if record.exc_info]


def test_status_message_is_logged_truncated_and_printable(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        problem((grpc.StatusCode.INVALID_ARGUMENT, "line\n\x1b]52;c;" + "y" * 5000), infer)
    (line,) = [record.getMessage() for record in caplog.records]
    assert len(line) < 500
    assert line.isprintable()


def test_model_address_may_be_a_unix_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a %20 folder"
    folder.mkdir()
    address = f"unix://{str(folder).replace('%', '%25').replace(' ', '%20')}/s.sock"
    monkeypatch.setenv("EMOTION_GATEWAY_SERVING_TARGET", address)
    target = load_settings(GatewaySettings).serving_target

    async def run() -> Any:
        async with model_server(address.replace("unix://", "unix:"), response()), connect(target) as channel:
            return await ModelClient(channel, 5).infer(FACE, Deadline.after(5))

    assert asyncio.run(run()).version == "1"
    assert (folder / "s.sock").parent.is_dir()
