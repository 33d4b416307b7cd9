"""No client can exhaust or crash the model server over gRPC."""

import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from tests.security.http2 import Http2Connection
from tests.security.http2 import message as framed
from tests.security.model_server import MAX_GROWTH_MB, PREDICT, MiB, answers, growth
from tests.support.model_server import (
    ServerProcess,
    arrays,
    code_and_details,
    content,
    entry,
    floats,
    message,
    model_list,
    predict,
    predict_error,
)
from tests.support.waiting import wait_until

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def status(server: ServerProcess, payload: bytes, path: str = PREDICT, **options: Any) -> tuple[grpc.StatusCode, str]:
    call: Any = server.channel.unary_unary(path)
    with pytest.raises(grpc.RpcError) as caught:
        call(payload, timeout=30, **options)
    return code_and_details(caught.value)


# Control plane


def reload_error(server: ServerProcess, text: str) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        ModelServiceStub(server.channel).HandleReloadConfigRequest(
            ReloadConfigRequest(config=message(text)), timeout=10
        )
    return code_and_details(caught.value)


def test_client_can_not_load_a_model(model_server: ServerProcess, toy_models: Path) -> None:
    """A SavedModel can read and write files as the server's user, so a client must not choose its folder."""
    for base in (toy_models / "adder", toy_models / "toys"):
        code, details = reload_error(model_server, model_list(entry("evil", base)))
        assert (code, "--allow_reload_config_request" in details) == (grpc.StatusCode.PERMISSION_DENIED, True)
    code, _ = predict_error(model_server, {"x": floats(1)}, ModelSpec(name="evil"))
    assert code is grpc.StatusCode.NOT_FOUND
    assert "adder" not in model_server.log()


# Bytes that are not gRPC, and malformed messages


@pytest.mark.parametrize(
    "path", [b"/a\xff", b"/\xff\xff/\xff", b"\xff", b"", b"/tensorflow.serving.PredictionService/Pr\xe4dict"]
)
def test_path_that_is_not_utf8_does_not_stop_the_server(model_server: ServerProcess, path: bytes) -> None:
    with Http2Connection(model_server.port) as connection:
        connection.call(path, framed(b""))
        connection.wait_for_answer()
        assert answers(model_server)


@pytest.mark.parametrize(
    "path", ["/x/y", "/tensorflow.serving.PredictionService/Train", "/tensorflow.serving.SessionService/SessionRun"]
)
def test_unknown_method_is_unimplemented(model_server: ServerProcess, path: str) -> None:
    with growth(model_server) as cost:
        for _ in range(500):
            assert status(model_server, b"abc", path)[0] is grpc.StatusCode.UNIMPLEMENTED
    assert cost.mb < 50


@pytest.mark.parametrize(
    "path",
    [
        PREDICT,
        "/tensorflow.serving.PredictionService/GetModelMetadata",
        "/tensorflow.serving.PredictionService/MultiInference",
        "/tensorflow.serving.ModelService/GetModelStatus",
        "/tensorflow.serving.ModelService/HandleReloadConfigRequest",
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
    ],
)
@pytest.mark.parametrize("payload", [b"\xff", b"\x0a\xff\xff", b"\x0a\x03\x0a\x01\xff", b"\xff" * 100_000])
def test_corrupt_message_is_invalid_and_not_logged(model_server: ServerProcess, path: str, payload: bytes) -> None:
    before = model_server.log().count("\n")
    if path.endswith("Watch"):
        call: Any = model_server.channel.unary_stream(path)
        with pytest.raises(grpc.RpcError) as caught:
            list(call(payload, timeout=10))
        code, details = code_and_details(caught.value)
    else:
        code, details = status(model_server, payload, path)
    assert code is INVALID
    assert 0 < len(details) < 200
    assert model_server.log().count("\n") == before


def test_malformed_calls_log_few_lines(model_server: ServerProcess) -> None:
    before = model_server.log().count("\n")
    path = PREDICT.encode()
    odd = (b"x-\xff", b"\xff\xfe")
    for more in (
        (odd,),
        ((b"grpc-encoding", b"nope"),),
        ((b"grpc-timeout", b"99999999999S"),),
        ((b"a-bin", b"\xff!"),),
    ):
        for data in (
            framed(b""),
            framed(b"a", compressed=True),
            framed(b"", length=0xFFFFFFFF),
            b"\x07\0\0\0\x01a",
            b"",
        ):
            for _ in range(5):
                with Http2Connection(model_server.port) as connection:
                    connection.call(path, data, more=more)
                    connection.wait_for_answer()
    assert model_server.log().count("\n") < before + 5


def test_metadata_is_bounded(model_server: ServerProcess) -> None:
    code, _ = status(model_server, b"", metadata=tuple((f"k{place}", "v" * 1000) for place in range(60)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_unknown_model_names_add_no_metrics(model_server: ServerProcess) -> None:
    before = len(model_server.http.get("/metrics").text)
    for place in range(100):
        request = PredictRequest(model_spec=ModelSpec(name=f"unknown_model{place}"), inputs={"x": floats(1)})
        assert status(model_server, request.SerializeToString())[0] is grpc.StatusCode.NOT_FOUND
        assert model_server.http.get(f"/v1/models/unknown_model{place}/versions/{place}").status_code == 404
    assert "unknown_model" not in model_server.http.get("/metrics").text
    assert len(model_server.http.get("/metrics").text) < before + 20_000


# Messages that take much more memory than their size


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


TOYS = field(1, field(1, b"toys"))
SHAPE, STRING, INT64, VARIANT, TENSORS = 2, 8, 10, 15, 3


def tensor(*fields: bytes, kind: int = 1) -> bytes:
    return TOYS + field(2, field(1, b"x") + field(2, b"\x08" + varint(kind) + b"".join(fields)))


LARGE = {
    "dimensions": lambda: tensor(field(SHAPE, field(2, b"") * (7 * MiB))),
    "variants": lambda: tensor(field(VARIANT, field(TENSORS, b"") * (7 * MiB)), kind=21),
    "strings": lambda: tensor(field(STRING, b"") * (7 * MiB), kind=7),
    "numbers": lambda: tensor(
        field(SHAPE, field(2, b"\x08" + varint(15 * MiB))), field(INT64, bytes(15 * MiB)), kind=9
    ),
    "inputs": lambda: TOYS + b"".join(field(2, field(1, b"%d" % place)) for place in range(MiB)),
    "outputs": lambda: tensor() + field(3, b"") * (7 * MiB),
    "unknown": lambda: TOYS + field(100, b"") * (5 * MiB),
    "nested": lambda: TOYS + field(2, field(2, field(VARIANT, field(TENSORS, field(VARIANT, b"") * MiB)))),
}


@pytest.mark.parametrize("kind", LARGE)
def test_message_of_many_small_parts_is_rejected_before_parsing(model_server: ServerProcess, kind: str) -> None:
    payload = LARGE[kind]()
    with growth(model_server) as cost:
        assert status(model_server, payload)[0] is INVALID
    assert cost.mb < MAX_GROWTH_MB
    assert cost.cpu_s < 3


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_message_over_the_limit_is_rejected(model_server: ServerProcess, compression: grpc.Compression) -> None:
    with growth(model_server) as cost:
        code, _ = status(model_server, bytes(300 * MiB), compression=compression)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert cost.mb < MAX_GROWTH_MB


def shaped(*sizes: int, kind: int = 1, **values: Any) -> TensorProto:
    proto = TensorProto(dtype=kind, **values)
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    ("proto", "signature"),
    [
        (shaped(1 << 24, 1, float_val=[1]), ""),
        (shaped(1 << 20, float_val=[1]), ""),
        (shaped(1 << 62, 1 << 62, float_val=[1]), ""),
        (shaped(0, 1 << 62, 1 << 62), ""),
        (shaped(0, 1 << 62), ""),
        (shaped(-1, float_val=[1]), ""),
        (shaped(-(1 << 63), -(1 << 63), float_val=[1]), ""),
        (shaped(*[1] * 5000, float_val=[1]), ""),
        (shaped(*[1 << 62] * 5000, float_val=[1]), ""),
        (shaped(2, tensor_content=b"123"), ""),
        (shaped(1, kind=20), ""),
        (shaped(1, kind=21), ""),
        (shaped(1, kind=101, float_val=[1]), ""),
        (shaped(1, kind=0), ""),
        (shaped(1, kind=-1), ""),
        (shaped(1, kind=2**31 - 1), ""),
        (shaped(1 << 16, kind=7, string_val=[b"x" * 1_000_000]), "strings"),
    ],
)
def test_invalid_shapes_and_types(model_server: ServerProcess, proto: TensorProto, signature: str) -> None:
    name = "text" if signature else "x"
    spec = ModelSpec(name="toys", signature_name=signature)
    with growth(model_server) as cost:
        code, details = predict_error(model_server, {name: proto}, spec)
    assert code is INVALID
    assert len(details) < 2000
    assert cost.mb < 50
    assert cost.cpu_s < 1


def test_error_about_a_long_name_is_short(model_server: ServerProcess) -> None:
    for name in ("x" * 5_000_000, "😀" * 1_000_000, "\n" * 5_000_000):
        request = PredictRequest(model_spec=ModelSpec(name=name), inputs={"x": floats(1)})
        code, details = status(model_server, request.SerializeToString())
        assert code is grpc.StatusCode.NOT_FOUND
        assert len(details) < 2000


# Calls and connections that stay open


def test_incomplete_messages_do_not_block_other_clients(model_server: ServerProcess) -> None:
    with ExitStack() as held, growth(model_server) as cost:
        connections = [held.enter_context(Http2Connection(model_server.port)) for _ in range(25)]
        for connection in connections:
            for _ in range(20):
                connection.call(PREDICT.encode(), framed(b"\0" * 50_000, length=15 * MiB), end=False)
        for _ in range(10):
            assert answers(model_server)
    assert cost.mb < MAX_GROWTH_MB


def test_unread_responses_do_not_block_other_clients(model_server: ServerProcess) -> None:
    inputs = {"x": content(np.zeros(50_000, np.float32))}
    request = PredictRequest(model_spec=ModelSpec(name="toys"), inputs=inputs).SerializeToString()
    with ExitStack() as held, growth(model_server) as cost:
        for _ in range(25):
            connection = held.enter_context(Http2Connection(model_server.port, window=0))
            with suppress(ConnectionError):  # the server may close a connection that takes too long
                for _ in range(4):
                    connection.call(PREDICT.encode(), framed(request))
        for _ in range(10):
            assert answers(model_server)
    assert cost.mb < MAX_GROWTH_MB


def test_rejected_calls_free_their_stream(model_server: ServerProcess) -> None:
    """A call that is kept after its end would use up one of the connection's streams."""
    refused = {
        INVALID: b"\xff",
        grpc.StatusCode.NOT_FOUND: PredictRequest(model_spec=ModelSpec(name="unknown_model")).SerializeToString(),
        grpc.StatusCode.FAILED_PRECONDITION: PredictRequest(
            model_spec=ModelSpec(name="toys", signature_name="none")
        ).SerializeToString(),
    }
    for code, payload in refused.items():
        for _ in range(600):
            assert status(model_server, payload)[0] is code
        assert arrays(predict(model_server, {"x": floats(1)}))["y"].tolist() == [2.5]


def test_connections_and_watches_are_bounded(model_server: ServerProcess) -> None:
    before = model_server.descriptors()
    with ExitStack() as held:
        for _ in range(300):
            held.enter_context(Http2Connection(model_server.port))
        time.sleep(0.5)
        assert model_server.descriptors() < before + 200
    wait_until(lambda: model_server.descriptors() < before + 10, "closed connections to be gone")
    watch: Any = model_server.channel.unary_stream("/grpc.health.v1.Health/Watch")
    calls = [watch(b"", timeout=20) for _ in range(40)]
    codes = [first_code(call) for call in calls]
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 24
    assert answers(model_server)
    for call in calls:
        call.cancel()


def first_code(call: Any) -> grpc.StatusCode | None:
    try:
        next(iter(call))
    except grpc.RpcError as error:
        return code_and_details(error)[0]
    return None


def test_connection_that_is_not_grpc_is_closed(model_server: ServerProcess) -> None:
    for noise in (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 10_000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000,
    ):
        with socket.create_connection(("127.0.0.1", model_server.port), 15) as connection:
            connection.sendall(noise)
            try:
                while connection.recv(65536):
                    pass
            except ConnectionError:
                pass
