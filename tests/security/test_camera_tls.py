"""TLS certificates of cameras are verified; a private authority must be configured."""

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
def tls_proxy(camera: MjpegCamera, certificate: Path) -> Iterator[int]:
    """Serve a camera over TLS; yields the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        stopping = threading.Event()

        def accept() -> None:
            while not stopping.is_set():
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
            stopping.set()
            thread.join(5)


def final_state(viewer: Viewer, log: Path, redis_url: str, cameras: str, **settings: str) -> tuple[CameraState, str]:
    """Return the state and the last error of the camera, once it is online or has failed."""
    settings = {"reconnect_min_s": "0.1", "reconnect_max_s": "0.1", "redis_url": redis_url, **settings}
    with CaptureProcess(log, cameras=cameras, **settings):
        settled = viewer.status_is(lambda status: status.state in (CameraState.ONLINE, CameraState.FAILED))
        wait_until(settled, "the camera to be online or to fail")
        status = viewer.status()
        assert status is not None
        return status.state, status.last_error


LOCAL_NAMES = "DNS:localhost,IP:127.0.0.1"


@pytest.mark.parametrize(
    ("host", "alternatives", "trusted", "settings", "state"),
    [
        ("localhost", LOCAL_NAMES, False, {}, CameraState.FAILED),
        ("localhost", LOCAL_NAMES, True, {}, CameraState.ONLINE),
        ("localhost", "DNS:other.example", True, {}, CameraState.FAILED),
        ("localhost", LOCAL_NAMES, False, {"tls_verify": "false"}, CameraState.ONLINE),
        ("127.0.0.1", LOCAL_NAMES, False, {}, CameraState.FAILED),
        ("127.0.0.1", LOCAL_NAMES, True, {}, CameraState.ONLINE),
        ("127.0.0.1", LOCAL_NAMES, False, {"tls_verify": "false"}, CameraState.ONLINE),
    ],
)
def test_camera_certificate_must_be_trusted(
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
    with mjpeg_camera() as camera, tls_proxy(camera, certificate) as port, viewing(redis_url) as viewer:
        cameras = f"cam0=https://user:hush@{host}:{port}/stream.mjpg"
        found, error = final_state(viewer, tmp_path / "log", redis_url, cameras, **settings)
        assert (found, bool(error)) == (state, state is CameraState.FAILED)
        if state is CameraState.FAILED:
            assert camera.connections == 0  # so the password was not sent


def test_numeric_host_names_the_setting_for_certificates(redis_url: str, tmp_path: Path) -> None:
    with viewing(redis_url) as viewer:
        _, error = final_state(viewer, tmp_path / "log", redis_url, "cam0=https://127.1:1/x")
    assert "EMOTION_CAPTURE_TLS_CA_FILE" in error


@pytest.mark.parametrize("trusted", [True, False])
def test_rtsps_verifies_certificates(authority: Authority, redis_url: str, tmp_path: Path, trusted: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.sign("rtsps", LOCAL_NAMES))
    requests: list[bytes] = []

    def answer(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True) as client:
                    requests.append(client.recv(4096))
            except ssl.SSLError:
                continue
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener, viewing(redis_url) as viewer:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        cameras = f"cam0=rtsps://user:hush@localhost:{listener.getsockname()[1]}/x"
        settings = {"tls_ca_file": str(authority.file)} if trusted else {}
        state, _ = final_state(viewer, tmp_path / "log", redis_url, cameras, **settings)
        assert state is CameraState.FAILED  # the server is not a camera
        assert any(requests) is trusted


def test_missing_certificate_file_stops_capture(tmp_path: Path) -> None:
    with CaptureProcess(tmp_path / "log", tls_ca_file=str(tmp_path / "missing.pem")) as capture:
        assert capture.exit_status() == 2
    assert "EMOTION_CAPTURE_TLS_CA_FILE" in capture.log()
