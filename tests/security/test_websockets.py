"""Limits on WebSockets: the handshake, messages, slow readers and closing."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from launcher.ports import free_port
from tests.security.raw_connection import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    SHORT_LIMITS,
    TEXT,
    ClosedConnection,
    close_code,
    exchange,
    frame,
    frames,
    handshake,
    open_connection,
    receive_until,
    request,
    send_until_closed,
)
from tests.support.processes import ModuleProcess
from tests.support.waiting import wait_until

FEED, VIDEO, IMAGES = "/ws/cameras/cam0", "/ws/cameras/cam0/video", "/ws/predict"
MAX_IMAGE_BYTES = 10 * 1024 * 1024
POLICY, TOO_BIG, TRY_LATER = 1008, 1009, 1013


class Gateway(ModuleProcess):
    """A gateway process over fakes."""

    def __init__(self, log: Path, limits: dict[str, float], **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        ours = {f"EMOTION_GATEWAY_{name.upper()}": value for name, value in settings.items()}
        ours["EMOTION_GATEWAY_PORT"] = str(self.port)
        super().__init__("tests.security.fake_gateway", log, ours, [json.dumps(limits)])
        self.wait_until_answers(f"{self.url}/healthz")

    def metric(self, name: str) -> float:
        lines = httpx.get(f"{self.url}/metrics", trust_env=False, timeout=10).text.splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)

    @contextmanager
    def opened(self, path: str) -> Iterator[socket.socket]:
        """Open a connection and complete the handshake."""
        with open_connection(self.port) as opened:
            opened.sendall(handshake(path))
            assert receive_until(opened, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
            yield opened


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway") / "log", SHORT_LIMITS) as started:
        yield started


def without(head: bytes, *names: bytes) -> bytes:
    return b"\r\n".join(line for line in head.split(b"\r\n") if line.partition(b":")[0] not in names)


@pytest.mark.parametrize(
    "sent",
    [
        handshake("/" + "a" * 9_000),
        handshake("/ws/predict?" + "a" * 60_000),
        handshake(IMAGES, "X-Long: " + "a" * 8_200),
        handshake(IMAGES, *["X-Some: a"] * 129),
        handshake(IMAGES, *["X-Some: a"] * 500),
        handshake(IMAGES, "Content-Length: 1"),
        handshake(IMAGES, "Content-Length: 1000000"),
        handshake(IMAGES, "Content-Length: " + "0" * 5_000),
        handshake(IMAGES, "Transfer-Encoding: chunked"),
        without(handshake(), b"Sec-WebSocket-Key"),
        without(handshake(), b"Sec-WebSocket-Version"),
        without(handshake(), b"Host"),
        handshake().replace(b"AAAAAAAAAAAAAAAAAAAAAA==", b"short"),
        handshake().replace(b"Version: 13", b"Version: 12"),
        handshake(IMAGES, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
        handshake().replace(b"GET", b"POST"),
        handshake().replace(b"HTTP/1.1", b"HTTP/1.0"),
        handshake().replace(b"Connection: Upgrade", b'Connection: Upgrade, "x'),
        handshake(IMAGES, 'Sec-WebSocket-Protocol: "'),
        handshake(IMAGES, "Origin: http://127.0.0.1", "Origin: http://127.0.0.1"),
        handshake(IMAGES, "X-Control: a\x01b"),
    ],
)
def test_invalid_handshake_is_rejected_and_closed(gateway: Gateway, sent: bytes) -> None:
    end = exchange(gateway.port, sent)
    assert end.problem()["status"] == 400
    assert end.seconds < 0.5


def test_handshake_with_headers_within_the_limits_is_accepted(gateway: Gateway) -> None:
    many = [f"X-{number}: {'a' * 500}" for number in range(90)]
    with open_connection(gateway.port) as opened:
        opened.sendall(handshake("/ws/cameras/cam0?fps=5", *many, "X-Long: " + "a" * 8_000))
        assert receive_until(opened, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    "sent",
    [
        handshake()[:-2],
        handshake("/ws/cameras/slow"),
        handshake("/ws/cameras/slow") + frame(BINARY, bytes(500)) * 10,
        request("GET", "/predict?camera=slow") + handshake(),
    ],
    ids=["half", "unaccepted", "unaccepted-with-frames", "behind-a-request"],
)
def test_rejected_handshake_closes_the_connection(gateway: Gateway, sent: bytes) -> None:
    assert b" 101 " not in exchange(gateway.port, sent).received


def test_frames_sent_with_the_handshake_are_answered(gateway: Gateway) -> None:
    with open_connection(gateway.port) as opened:
        opened.sendall(handshake() + frame(PING, b"early") + frame(BINARY, b"one") + frame(BINARY, b"two"))
        received = receive_until(opened, b"\r\n\r\n")
        while received.count(b'"request_id"') < 2:
            received += opened.recv(65536)
    answer = ClosedConnection(0, received)
    assert answer.status == 101
    assert [opcode for opcode, _ in frames(answer.body)] == [PONG, TEXT, TEXT]


@pytest.mark.parametrize("path", [FEED, VIDEO, IMAGES])
@pytest.mark.parametrize(
    ("sent", "repeated"),
    [
        (frame(BINARY, bytes(500))[:100], b""),
        (frame(BINARY, bytes(500))[:1], b""),
        (frame(BINARY, bytes(900))[:100], b"a"),
        (frame(TEXT, b"a", final=False), b""),
        (frame(TEXT, b"a", final=False), frame(CONTINUATION, b"a", final=False)),
        (frame(TEXT, b"a", final=False), frame(CONTINUATION, b"", final=False)),
        (frame(TEXT, b"a", final=False), frame(PING)),
        (frame(PING, b"a")[:4], b""),
    ],
)
def test_incomplete_message_times_out(gateway: Gateway, path: str, sent: bytes, repeated: bytes) -> None:
    end = exchange(gateway.port, handshake(path) + sent, repeated)
    assert close_code(end) == POLICY
    assert end.seconds < 5


@pytest.mark.parametrize(
    ("path", "sent", "code"),
    [
        (FEED, frame(BINARY, bytes(1025)), TOO_BIG),
        (FEED, frame(BINARY, bytes(10_000_000))[:100], TOO_BIG),
        (FEED, frame(TEXT, b"a" * 1000, final=False) + frame(CONTINUATION, b"a" * 25), TOO_BIG),
        (VIDEO, frame(BINARY, bytes(1025)), TOO_BIG),
        (FEED, frame(TEXT, b"a") * 200, POLICY),
        (FEED, (frame(TEXT, b"", final=False) + frame(CONTINUATION, b"")) * 200, POLICY),
        (IMAGES, frame(BINARY, b"a", final=False) + frame(CONTINUATION, b"", final=False) * 5_000, POLICY),
        (IMAGES, frame(BINARY, b"a", final=False) + frame(CONTINUATION, b"a", final=False) * 5_000, POLICY),
        (IMAGES, frame(PING) * 5_000, POLICY),
        (IMAGES, frame(PONG, bytes(125)) * 5_000, POLICY),
        (FEED, frame(PING, bytes(125)) * 5_000, POLICY),
        (IMAGES, frame(BINARY, bytes(MAX_IMAGE_BYTES + 2**20 + 1))[:100], TOO_BIG),
    ],
)
def test_client_data_is_bounded(gateway: Gateway, path: str, sent: bytes, code: int) -> None:
    before = gateway.cpu_s()
    end = exchange(gateway.port, handshake(path) + sent)
    assert not end.received or close_code(end) == code  # unread data resets the connection
    assert end.seconds < 2
    assert gateway.cpu_s() - before < 1


def test_protocol_error_during_sending_logs_no_traceback(gateway: Gateway) -> None:
    reserved = bytes([0xF1, 0x80, 0, 0, 0, 0])  # reserved bits without an extension
    for path in (FEED, VIDEO, VIDEO, VIDEO, IMAGES):
        with gateway.opened(path) as opened:
            time.sleep(1 if path is VIDEO else 0.05)  # so that images are queued for the client
            send_until_closed(opened, reserved)
    assert httpx.get(f"{gateway.url}/healthz", trust_env=False, timeout=10).status_code == 200
    assert "Traceback" not in gateway.log()


def test_few_messages_and_pings_to_a_feed_are_ignored(gateway: Gateway) -> None:
    with gateway.opened(FEED) as opened:
        for _ in range(10):
            opened.sendall(frame(TEXT, b"a" * 1000) + frame(PING))
            receive_until(opened, b'"event":"result"')
            time.sleep(0.2)


def test_large_image_in_fragments_is_answered(gateway: Gateway) -> None:
    image = bytes(MAX_IMAGE_BYTES)
    with connect(f"ws://127.0.0.1:{gateway.port}{IMAGES}", proxy=None) as websocket:
        websocket.send(image[start : start + 32_768] for start in range(0, len(image), 32_768))
        assert json.loads(websocket.recv(timeout=20))["emotion"] == "happy"
        websocket.send(image + b"x")
        assert json.loads(websocket.recv(timeout=20))["status"] == 413


@pytest.mark.parametrize("piece_bytes", [1, 3, 7, 64, 100_000])
def test_frames_are_parsed_at_any_chunk_size(gateway: Gateway, piece_bytes: int) -> None:
    sent = frame(BINARY, b"a", final=False) + frame(PING, b"b") + frame(CONTINUATION, bytes(200)) + frame(BINARY, b"c")
    with gateway.opened(IMAGES) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(sent), piece_bytes):
            opened.sendall(sent[start : start + piece_bytes])
        received = b""
        while received.count(b'"request_id"') < 2:
            received += opened.recv(65536)
    assert [opcode for opcode, _ in frames(received)] == [PONG, TEXT, TEXT]


def test_empty_messages_are_answered_without_queueing(gateway: Gateway) -> None:
    memory = gateway.resident_mb()
    with gateway.opened(IMAGES) as opened:
        opened.sendall(frame(TEXT) * 2_000)
        received = b""
        while received.count(b'"request_id"') < 2_000:
            received += opened.recv(65536)
    assert gateway.resident_mb() < memory + 30


@pytest.mark.parametrize("read_bytes", [0, 1])
def test_viewer_that_does_not_read_is_disconnected(gateway: Gateway, read_bytes: int) -> None:
    wait_until(lambda: gateway.metric("gateway_viewers") == 0, "earlier viewers to disconnect")
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(1)
        opened.connect(("127.0.0.1", gateway.port))
        opened.sendall(handshake(VIDEO))
        wait_until(lambda: gateway.metric("gateway_viewers") == 1, "the viewer to be served")

        def is_disconnected() -> bool:
            if read_bytes:
                opened.recv(read_bytes)
            time.sleep(0.05)
            return gateway.metric("gateway_viewers") == 0

        wait_until(is_disconnected, "the viewer to be disconnected", 20)


@pytest.mark.parametrize("path", [FEED, IMAGES])
def test_client_that_never_closes_is_disconnected(gateway: Gateway, path: str) -> None:
    end = exchange(gateway.port, handshake(path) + frame(CLOSE), frame(PING))
    assert frames(end.body)[-1][0] == CLOSE


def test_client_that_ignores_a_close_is_disconnected(tmp_path: Path) -> None:
    with Gateway(tmp_path / "log", SHORT_LIMITS, ws_idle_timeout_s="0.5") as gateway:
        end = exchange(gateway.port, handshake(IMAGES))
        assert close_code(end) == 1000
        assert end.seconds < 3


def test_incomplete_messages_of_many_clients_use_little_memory(tmp_path: Path) -> None:
    budget = 20_000_000
    settings = {"max_upload_bytes_in_flight": str(budget), "max_uploads_per_client": "64"}
    with Gateway(tmp_path / "log", {"message_s": 3.0}, **settings) as gateway, ExitStack() as stack:
        before = peak = gateway.resident_mb()
        clients = [stack.enter_context(gateway.opened(IMAGES)) for _ in range(40)]
        sent = frame(BINARY, bytes(10_000_000))[:-1]

        def send(opened: socket.socket) -> None:
            with suppress(OSError):  # the server disconnects it
                opened.sendall(sent)

        senders = [threading.Thread(target=send, args=(opened,)) for opened in clients]
        for sender in senders:
            sender.start()
        while any(sender.is_alive() for sender in senders):
            peak = max(peak, gateway.resident_mb())
            time.sleep(0.01)
        assert peak < before + 60
        wait_until(lambda: gateway.metric("http_connections") == 1, "all of them to be disconnected")
        assert gateway.resident_mb() < before + 25
        with connect(f"ws://127.0.0.1:{gateway.port}{IMAGES}", proxy=None) as websocket:
            websocket.send(bytes(9_000_000))
            assert json.loads(websocket.recv(timeout=20))["emotion"] == "happy"


def test_messages_and_uploads_over_the_memory_budget_are_rejected(tmp_path: Path) -> None:
    settings = {"max_upload_bytes_in_flight": "1000000"}
    with Gateway(tmp_path / "log", {}, **settings) as gateway, gateway.opened(IMAGES) as holder:
        holder.sendall(frame(BINARY, bytes(400_000))[:-1])  # one client may use half of the budget
        image = {"content": bytes(200_000), "headers": {"Content-Type": "image/jpeg"}}

        def upload() -> httpx.Response:
            return httpx.post(f"{gateway.url}/predict", trust_env=False, timeout=10, **image)  # type: ignore[arg-type]

        wait_until(lambda: upload().status_code == 503, "the budget to be exhausted")
        assert upload().json()["type"] == "urn:emotion:problem:overloaded"
        with gateway.opened(IMAGES) as other:
            assert frames(send_until_closed(other, frame(BINARY, bytes(200_000))).received)[-1][1][:2] == b"\x03\xf5"
        holder.sendall(b"\0")  # the last byte
        assert b'"request_id"' in receive_until(holder, b"}")
        wait_until(lambda: upload().status_code == 200, "room in the budget")
