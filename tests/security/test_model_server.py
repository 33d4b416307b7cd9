"""What one caller of the model server can do to it and to the others: over gRPC, and over REST."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from tests.security.http2 import Http2Connection
from tests.security.http2 import message as framed
from tests.support.model_server import (
    ServerProcess,
    arrays,
    content,
    entry,
    floats,
    message,
    model_list,
    predict,
    predict_error,
    told,
)
from tests.support.waiting import wait_until

PREDICT = "/tensorflow.serving.PredictionService/Predict"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
MAX_GROWTH_MB = 150
"""What one request of 16 MiB may add to the process; each of these took 400 MB and more."""

MiB = 1 << 20


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    subprocess.run(
        [sys.executable, "-m", "tests.integration.serving.make_models", str(folder)], check=True, timeout=120
    )
    return folder


@pytest.fixture(scope="module")
def running(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    log = tmp_path_factory.mktemp("server") / "log"
    with ServerProcess("toys", models / "toys", log, extra=("--enable_grpc_healthcheck_service",)) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture
def server(running: ServerProcess) -> Iterator[ServerProcess]:
    """A server that answers before and after, without a traceback in between."""
    before = len(running.log())
    assert answers(running)
    yield running
    wait_until(lambda: answers(running), "an answer")
    assert "Traceback" not in running.log()[before:]


def answers(server: ServerProcess) -> bool:
    """Ask on a connection of its own, as another caller would."""
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
        request = PredictRequest(model_spec=ModelSpec(name="toys"), inputs={"x": floats(1)}).SerializeToString()
        call: Any = channel.unary_unary(PREDICT)
        try:
            return bool(call(request, timeout=8))
        except grpc.RpcError:
            return False


def status(server: ServerProcess, payload: bytes, path: str = PREDICT, **options: Any) -> tuple[grpc.StatusCode, str]:
    call: Any = server.channel.unary_unary(path)
    with pytest.raises(grpc.RpcError) as caught:
        call(payload, timeout=30, **options)
    return told(caught.value)


@dataclass
class Growth:
    """What a block cost the server: growth of the peak of its resident memory, and processor time."""

    mb: float = 0.0
    cpu_s: float = 0.0


@contextmanager
def growth(server: ServerProcess) -> Iterator[Growth]:
    server.forget_peak()
    before_mb, before_s, cost = server.resident_mb(), server.cpu_s(), Growth()
    yield cost
    cost.mb, cost.cpu_s = server.peak_mb() - before_mb, server.cpu_s() - before_s


# Control plane


def reload_error(server: ServerProcess, text: str) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        ModelServiceStub(server.channel).HandleReloadConfigRequest(
            ReloadConfigRequest(config=message(text)), timeout=10
        )
    return told(caught.value)


def test_no_caller_loads_a_model(server: ServerProcess, models: Path) -> None:
    """A SavedModel reads and writes files as the server's user, so its folder isn't for callers to choose."""
    for base in (models / "adder", models / "toys"):
        code, details = reload_error(server, model_list(entry("evil", base)))
        assert (code, "--allow_reload_config_request" in details) == (grpc.StatusCode.PERMISSION_DENIED, True)
    code, _ = predict_error(server, {"x": floats(1)}, ModelSpec(name="evil"))
    assert code is grpc.StatusCode.NOT_FOUND
    assert "adder" not in server.log()


# What isn't gRPC, or isn't a message


@pytest.mark.parametrize(
    "path", [b"/a\xff", b"/\xff\xff/\xff", b"\xff", b"", b"/tensorflow.serving.PredictionService/Pr\xe4dict"]
)
def test_a_path_that_is_no_text_ends_a_call_and_not_the_server(server: ServerProcess, path: bytes) -> None:
    with Http2Connection(server.port) as connection:
        connection.call(path, framed(b""))
        connection.wait_for_answer()
        assert answers(server)


@pytest.mark.parametrize(
    "path", ["/x/y", "/tensorflow.serving.PredictionService/Train", "/tensorflow.serving.SessionService/SessionRun"]
)
def test_an_unknown_method_is_unimplemented(server: ServerProcess, path: str) -> None:
    with growth(server) as cost:
        for _ in range(500):
            assert status(server, b"abc", path)[0] is grpc.StatusCode.UNIMPLEMENTED
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
def test_a_corrupt_message_is_invalid_and_leaves_no_line(server: ServerProcess, path: str, payload: bytes) -> None:
    before = server.log().count("\n")
    if path.endswith("Watch"):
        call: Any = server.channel.unary_stream(path)
        with pytest.raises(grpc.RpcError) as caught:
            list(call(payload, timeout=10))
        code, details = told(caught.value)
    else:
        code, details = status(server, payload, path)
    assert (code, details) == (INVALID, "The request message can't be read")
    assert server.log().count("\n") == before


def test_odd_calls_leave_few_lines(server: ServerProcess) -> None:
    before = server.log().count("\n")
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
            for _ in range(10):
                with Http2Connection(server.port) as connection:
                    connection.call(path, data, more=more)
                    connection.wait_for_answer()
    assert server.log().count("\n") < before + 5


def test_metadata_is_bounded(server: ServerProcess) -> None:
    code, _ = status(server, b"", metadata=tuple((f"k{place}", "v" * 1000) for place in range(60)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_unknown_names_leave_nothing_behind(server: ServerProcess) -> None:
    before = len(server.http.get("/metrics").text)
    for place in range(100):
        request = PredictRequest(model_spec=ModelSpec(name=f"nobody{place}"), inputs={"x": floats(1)})
        assert status(server, request.SerializeToString())[0] is grpc.StatusCode.NOT_FOUND
        assert server.http.get(f"/v1/models/nobody{place}/versions/{place}").status_code == 404
    assert "nobody" not in server.http.get("/metrics").text
    assert len(server.http.get("/metrics").text) < before + 20_000


# Messages that become more than they weigh


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
ERROR_FORMAT, STRING, INT64, VARIANT, TENSORS = 2, 8, 10, 15, 3


def tensor(*fields: bytes, kind: int = 1) -> bytes:
    return TOYS + field(2, field(1, b"x") + field(2, b"\x08" + varint(kind) + b"".join(fields)))


LARGE = {
    "dimensions": lambda: tensor(field(ERROR_FORMAT, field(2, b"") * (7 * MiB))),
    "variants": lambda: tensor(field(VARIANT, field(TENSORS, b"") * (7 * MiB)), kind=21),
    "strings": lambda: tensor(field(STRING, b"") * (7 * MiB), kind=7),
    "numbers": lambda: tensor(
        field(ERROR_FORMAT, field(2, b"\x08" + varint(15 * MiB))), field(INT64, bytes(15 * MiB)), kind=9
    ),
    "inputs": lambda: TOYS + b"".join(field(2, field(1, b"%d" % place)) for place in range(MiB)),
    "outputs": lambda: tensor() + field(3, b"") * (7 * MiB),
    "unknown": lambda: TOYS + field(100, b"") * (5 * MiB),
    "nested": lambda: TOYS + field(2, field(2, field(VARIANT, field(TENSORS, field(VARIANT, b"") * MiB)))),
}


@pytest.mark.parametrize("kind", LARGE)
def test_many_small_parts_are_refused_before_they_are_parsed(server: ServerProcess, kind: str) -> None:
    payload = LARGE[kind]()
    with growth(server) as cost:
        assert status(server, payload)[0] is INVALID
    assert cost.mb < MAX_GROWTH_MB
    assert cost.cpu_s < 3


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_message_over_the_limit_is_refused_compressed_or_not(
    server: ServerProcess, compression: grpc.Compression
) -> None:
    with growth(server) as cost:
        code, _ = status(server, bytes(300 * MiB), compression=compression)
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
def test_shapes_and_types_of_all_kinds(server: ServerProcess, proto: TensorProto, signature: str) -> None:
    name = "text" if signature else "x"
    spec = ModelSpec(name="toys", signature_name=signature)
    with growth(server) as cost:
        code, details = predict_error(server, {name: proto}, spec)
    assert code is INVALID
    assert len(details) < 2000
    assert cost.mb < 50
    assert cost.cpu_s < 1


def test_long_names_are_answered_in_short(server: ServerProcess) -> None:
    for name in ("x" * 5_000_000, "😀" * 1_000_000, "\n" * 5_000_000):
        request = PredictRequest(model_spec=ModelSpec(name=name), inputs={"x": floats(1)})
        code, details = status(server, request.SerializeToString())
        assert code is grpc.StatusCode.NOT_FOUND
        assert len(details) < 2000


# Calls and connections that are held


def test_others_are_answered_while_messages_do_not_come(server: ServerProcess) -> None:
    with ExitStack() as held, growth(server) as cost:
        connections = [held.enter_context(Http2Connection(server.port)) for _ in range(25)]
        for connection in connections:
            for _ in range(20):
                connection.call(PREDICT.encode(), framed(b"\0" * 50_000, length=15 * MiB), end=False)
        for _ in range(10):
            assert answers(server)
    assert cost.mb < MAX_GROWTH_MB


def test_others_are_answered_while_answers_are_not_read(server: ServerProcess) -> None:
    inputs = {"x": content(np.zeros(50_000, np.float32))}
    request = PredictRequest(model_spec=ModelSpec(name="toys"), inputs=inputs).SerializeToString()
    with ExitStack() as held, growth(server) as cost:
        for _ in range(25):
            connection = held.enter_context(Http2Connection(server.port, window=0))
            for _ in range(4):
                connection.call(PREDICT.encode(), framed(request))
        for _ in range(10):
            assert answers(server)
    assert cost.mb < MAX_GROWTH_MB


def test_refused_calls_do_not_count_as_streams_of_their_connection(server: ServerProcess) -> None:
    """A call that is kept after its end takes one of the connection's streams, and the next are refused."""
    refused = {
        INVALID: b"\xff",
        grpc.StatusCode.NOT_FOUND: PredictRequest(model_spec=ModelSpec(name="nobody")).SerializeToString(),
        grpc.StatusCode.FAILED_PRECONDITION: PredictRequest(
            model_spec=ModelSpec(name="toys", signature_name="none")
        ).SerializeToString(),
    }
    for code, payload in refused.items():
        for _ in range(600):
            assert status(server, payload)[0] is code
        assert arrays(predict(server, {"x": floats(1)}))["y"].tolist() == [2.5]


def test_connections_and_watches_are_bounded(server: ServerProcess) -> None:
    before = server.descriptors()
    with ExitStack() as held:
        for _ in range(300):
            held.enter_context(Http2Connection(server.port))
        time.sleep(0.5)
        assert server.descriptors() < before + 200
    wait_until(lambda: server.descriptors() < before + 10, "closed connections to be gone")
    watch: Any = server.channel.unary_stream("/grpc.health.v1.Health/Watch")
    calls = [watch(b"", timeout=20) for _ in range(40)]
    codes = [_first(call) for call in calls]
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 24
    assert answers(server)
    for call in calls:
        call.cancel()


def _first(call: Any) -> grpc.StatusCode | None:
    try:
        next(iter(call))
    except grpc.RpcError as error:
        return told(error)[0]
    return None


def test_noise_on_the_port_is_closed(server: ServerProcess) -> None:
    for noise in (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 10_000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000,
    ):
        with socket.create_connection(("127.0.0.1", server.port), 15) as connection:
            connection.sendall(noise)
            try:
                while connection.recv(65536):
                    pass
            except ConnectionError:
                pass


# REST

LIMIT = 8 * MiB
BODIES = {
    "lists": b'{"instances":[' + b"[]," * (LIMIT // 3 - 10) + b"[]]}",
    "objects": b'{"instances":[' + b'{"a":1},' * (LIMIT // 8 - 10) + b"{}]}",
    "numbers": b'{"instances":[' + b"1," * (LIMIT // 2 - 20) + b"1]}",
    "strings": b'{"instances":[' + b'"",' * (LIMIT // 3 - 10) + b'""]}',
    "deep": b'{"instances":' + b"[" * (LIMIT - 20),
    "deep enough to be read": b'{"instances":' + b"[" * 900 + b"]" * 900 + b"}",
    "a little deep": b'{"instances":' + b"[" * 40 + b"]" * 40 + b"}",
    "wide characters": '{"instances":["😀'.encode() + b"a" * (LIMIT - 30) + b'"]}',
    "escapes": b'{"instances":["' + b"\\u0000" * (LIMIT // 6 - 10) + b'"]}',
    "digits": b'{"instances":[' + b"9" * 5000 + b"]}",
    "many digits": b'{"instances":[' + b",".join([b"9" * 4200] * 1900) + b"]}",
    "exponent": b'{"instances":[1e999]}',
    "not UTF-8": b'{"instances":["\xff"]}',
    "names": b'{"instances":[{' + b",".join(b'"%d":1' % place for place in range(300_000)) + b"}]}",
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("method", ["predict", "classify"])
def test_a_body_costs_little_beyond_its_length(server: ServerProcess, kind: str, method: str) -> None:
    with growth(server) as cost:
        response = server.http.post(f"/v1/models/toys:{method}", content=BODIES[kind])
    assert response.status_code == 400
    assert len(response.text) < 10_000
    assert cost.mb < MAX_GROWTH_MB
    assert cost.cpu_s < 5


def test_many_large_bodies_share_what_may_be_held(server: ServerProcess) -> None:
    body = BODIES["wide characters"]
    url = f"{server.http.base_url}/v1/models/toys:predict"

    def post(_: int) -> int:
        return httpx.post(url, content=body, timeout=60, trust_env=False).status_code

    with ThreadPoolExecutor(12) as pool, growth(server) as cost:
        results = pool.map(post, range(12))
        assert answers(server)
        assert set(results) <= {400, 503}
    assert cost.mb < 2 * MAX_GROWTH_MB


@pytest.mark.parametrize("path", ["versions/" + "9" * 5000, "labels/" + "x" * 5000, "versions/-1", "versions/1e9"])
def test_numbers_and_names_of_any_length_in_a_path(server: ServerProcess, path: str) -> None:
    response = server.http.get(f"/v1/models/toys/{path}")
    assert response.status_code == 400
    assert len(response.text) < 10_000
