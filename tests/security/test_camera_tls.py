"""Certificates of cameras are checked: refused by default, accepted where who signed them is named."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from services.contracts.cameras import CameraState
from tests.security.certificates import Authority, make_authority
from tests.support.capture_process import CaptureProcess, Viewer, viewing
from tests.support.mjpeg_server import MjpegCamera, mjpeg_camera
from tests.support.redis_server import RedisServer, oldest_redis
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with RedisServer(oldest_redis(), tmp_path / "redis.log") as server:
        yield server.url


@contextmanager
def tls_in_front_of(camera: MjpegCamera, certificate: Path) -> Iterator[int]:
    """Speak TLS for a camera that doesn't; yields the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        over = threading.Event()

        def accept() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    continue
                threading.Thread(target=relay, args=(connection,), daemon=True).start()

        def relay(connection: socket.socket) -> None:
            try:
                with (
                    context.wrap_socket(connection, server_side=True) as client,
                    closing(socket.create_connection(("127.0.0.1", camera.port))) as inner,
                ):
                    inner.sendall(client.recv(65536))
                    while data := inner.recv(65536):
                        client.sendall(data)
            except OSError:
                pass

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join(5)


def describe_state(viewer: Viewer, log: Path, redis_url: str, cameras: str, **settings: str) -> tuple[CameraState, str]:
    """Return what becomes of the camera."""
    settings = {"reconnect_min_s": "0.1", "reconnect_max_s": "0.1", "redis_url": redis_url, **settings}
    with CaptureProcess(log, cameras=cameras, **settings):
        settled = viewer.status_is(lambda status: status.state in (CameraState.ONLINE, CameraState.FAILED))
        wait_until(settled, "the camera to be online or to fail")
        status = viewer.status()
        assert status is not None
        return status.state, status.last_error


NAMED = "DNS:localhost,IP:127.0.0.1"


@pytest.mark.parametrize(
    ("host", "alternatives", "trusted", "settings", "state"),
    [
        ("localhost", NAMED, False, {}, CameraState.FAILED),
        ("localhost", NAMED, True, {}, CameraState.ONLINE),
        ("localhost", "DNS:elsewhere.example", True, {}, CameraState.FAILED),
        ("localhost", NAMED, False, {"tls_verify": "false"}, CameraState.ONLINE),
        ("127.0.0.1", NAMED, False, {}, CameraState.FAILED),
        ("127.0.0.1", NAMED, True, {}, CameraState.ONLINE),
        ("127.0.0.1", NAMED, False, {"tls_verify": "false"}, CameraState.ONLINE),
    ],
)
def test_a_camera_is_taken_only_with_a_certificate_that_is_trusted(
    authority: Authority,
    redis_url: str,
    tmp_path: Path,
    host: str,
    alternatives: str,
    trusted: bool,
    settings: dict[str, str],
    state: CameraState,
) -> None:
    certificate = authority.sign(f"camera-{abs(hash(alternatives))}", alternatives)
    if trusted:
        settings = {**settings, "tls_ca_file": str(authority.file)}
    with mjpeg_camera() as camera, tls_in_front_of(camera, certificate) as port, viewing(redis_url) as viewer:
        cameras = f"cam0=https://user:hush@{host}:{port}/stream.mjpg"
        found, why = describe_state(viewer, tmp_path / "log", redis_url, cameras, **settings)
        assert (found, bool(why)) == (state, state is CameraState.FAILED)
        if state is CameraState.FAILED:
            assert camera.connections == 0  # so it never saw the password


def test_an_address_needs_the_certificates_named(redis_url: str, tmp_path: Path) -> None:
    with viewing(redis_url) as viewer:
        _, why = describe_state(viewer, tmp_path / "log", redis_url, "cam0=https://127.1:1/x")
    assert "EMOTION_CAPTURE_TLS_CA_FILE" in why


@pytest.mark.parametrize("trusted", [True, False])
def test_rtsps_checks_certificates_too(authority: Authority, redis_url: str, tmp_path: Path, trusted: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.sign("rtsps", NAMED))
    asked: list[bytes] = []

    def answer(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True) as client:
                    asked.append(client.recv(4096))
            except ssl.SSLError:
                continue
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener, viewing(redis_url) as viewer:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        cameras = f"cam0=rtsps://user:hush@localhost:{listener.getsockname()[1]}/x"
        settings = {"tls_ca_file": str(authority.file)} if trusted else {}
        state, _ = describe_state(viewer, tmp_path / "log", redis_url, cameras, **settings)
        assert state is CameraState.FAILED  # it is no camera
        assert any(asked) is trusted


def test_a_file_of_certificates_that_is_not_there_ends_capture(tmp_path: Path) -> None:
    with CaptureProcess(tmp_path / "log", tls_ca_file=str(tmp_path / "nowhere.pem")) as capture:
        assert capture.exit_status() == 2
    assert "EMOTION_CAPTURE_TLS_CA_FILE" in capture.log()
