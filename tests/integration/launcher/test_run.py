"""``python -m launcher``, the command behind ``make run``: everything starts, and everything stops."""

import re
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.launcher_process import Launch
from tests.support.waiting import wait_until


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    with Launch(tmp_path / "launcher.log") as launch:
        yield launch


def test_face_is_recognised_and_everything_stops_on_sigterm(launch: Launch) -> None:
    launch.wait_until_logged("ready: ")
    answer = wait_until(lambda: predict(launch), "a face on the demo feed", 20)
    assert answer["source"]["camera"] == "cam0"
    line = re.compile(r"cam0  \w+ +0\.\d\d.*1 face.*ms old")
    wait_until(lambda: line.search(launch.log()), "a line with the emotion", 20)
    assert len(launch.still_running()) >= 7
    socket_path = redis_socket(launch)
    assert stat.S_IMODE(socket_path.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket_path.parent.stat().st_mode) == 0o700
    (server,) = listeners(socket_path)
    assert server.net_connections("tcp") == []
    model_socket = _serving_socket(launch)
    assert stat.S_ISSOCK(model_socket.stat().st_mode)
    assert model_socket.parent == socket_path.parent

    assert launch.terminate() == 0
    assert not socket_path.parent.exists()
    wait_until(lambda: launch.still_running() == [], "every process to be gone", 5)
    assert "WARNING" not in launch.log().partition("SIGTERM received")[2]  # Redis stops last
    assert "Traceback" not in launch.log()


def _serving_socket(launch: Launch) -> Path:
    """Return the gRPC socket of the model server; fail if it also has a port."""
    (command,) = [line for line in launch.still_running() if " services.serving " in line and " --port=" in line]
    assert " --port=0 " in command
    return Path(command.partition("--grpc_socket_path=")[2].split()[0])


def redis_socket(launch: Launch) -> Path:
    """Return the Redis socket in the environment of this launch's capture."""
    (capture,) = [one for one in launch.processes() if "services.capture" in one.cmdline()]
    return Path(capture.environ()["EMOTION_CAPTURE_REDIS_URL"].removeprefix("unix://"))


def listeners(socket_path: Path) -> list[psutil.Process]:
    """Return the processes that listen on a socket."""
    return [
        one
        for one in psutil.process_iter()
        if "redis" in one.name() or "valkey" in one.name()
        if any(str(connection.laddr) == str(socket_path) for connection in one.net_connections("unix"))
    ]


def predict(launch: Launch) -> dict[str, dict[str, str]]:
    answer = httpx.get(f"http://127.0.0.1:{launch.gateway_port}/predict", timeout=10, trust_env=False)
    body: dict[str, dict[str, str]] = answer.json()
    return body if answer.status_code == 200 and body["faces"] else {}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("started", ["cameras:", "system   | redis started", "waiting for"])
def test_no_process_is_left_however_early_it_is_stopped(launch: Launch, stop: signal.Signals, started: str) -> None:
    launch.wait_until_logged(started)
    launch.send_signal(stop)
    assert launch.exit_status(20) == 0
    wait_until(lambda: launch.still_running() == [], "every process to be gone", 5)


def test_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with Launch(tmp_path / "log", EMOTION_DETECTOR_PORT=str(port)) as launch:
            assert launch.exit_status() == 1
    (sentence,) = launch.log().splitlines()
    assert f"Port {port}" in sentence
    assert "EMOTION_DETECTOR_PORT" in sentence
    assert launch.still_running() == []


def test_misspelt_setting_is_reported_before_a_process_starts(tmp_path: Path) -> None:
    with Launch(tmp_path / "log", EMOTION_GATEWAY_PROT="9000") as launch:
        assert launch.exit_status() == 1
    (sentence,) = launch.log().splitlines()
    assert sentence.startswith("EMOTION_GATEWAY_PROT: ")
