import io
import shutil
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from honcho.printer import Message

from launcher.environment import load_system_settings, require_known_variables
from launcher.errors import PrerequisiteError
from launcher.model_server import write_model_config
from launcher.ports import Listener, free_port, local_address, require_ports
from launcher.process_manager import PrintablePrinter
from launcher.redis_server import first_that_runs
from launcher.start import choose_camera
from launcher.watch import format_line, unavailable, wait_until_ready
from services.serving.model_config import read_model_configs
from tests.support.processes import ROOT

RESPONSE = {
    "source": {"kind": "camera", "camera": "cam0", "age_ms": 41.2},
    "emotion": "happy",
    "confidence": 0.8313,
    "reliable": True,
    "faces": [{}],
}


def test_line_has_emotion_confidence_faces_and_age() -> None:
    assert format_line(RESPONSE) == "cam0  happy    0.83  (1 face)  frame 41 ms old"
    assert format_line({**RESPONSE, "reliable": False, "faces": [{}, {}]}) == (
        "cam0  happy    0.83, unsure  (2 faces)  frame 41 ms old"
    )
    assert format_line({**RESPONSE, "faces": [], "emotion": None}) == "cam0  no face  frame 41 ms old"


def test_unavailable_dependencies_are_named() -> None:
    states = {"redis": {"ok": True}, "detector": {"ok": False}, "model": {"ok": False}}
    assert unavailable({"dependencies": states}) == "detector, model"


def test_watch_ignores_unreadable_responses(capsys: pytest.CaptureFixture[str]) -> None:
    responses = iter(
        [
            httpx.Response(500, text="no JSON"),
            httpx.Response(500, json={"type": "urn:emotion:problem:internal"}),
            httpx.Response(200, json={"status": "ready", "dependencies": {}}),
        ]
    )
    transport = httpx.MockTransport(lambda _: next(responses))
    with httpx.Client(transport=transport, base_url="http://gateway") as client:
        wait_until_ready(client, sleep=lambda _: None)
    assert capsys.readouterr().out == "waiting for the gateway\n"


@pytest.mark.parametrize("requested", ["demo", "0", "/dev/video1", "rtsp://host/path", "film.mp4"])
def test_requested_camera_is_used(requested: str) -> None:
    assert choose_camera(requested) == requested


GATEWAY = Listener("the gateway", "EMOTION_GATEWAY_PORT", 8000)


def test_port_in_use_is_one_sentence_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PrerequisiteError, match=rf"Port {port} of the gateway .* set EMOTION_GATEWAY_PORT"):
            require_ports([replace(GATEWAY, port=port)])
    require_ports([replace(GATEWAY, port=port)])


def test_port_used_twice_is_an_error() -> None:
    port = free_port()
    capture = Listener("the capture", "EMOTION_CAPTURE_PORT", port)
    with pytest.raises(PrerequisiteError, match=f"EMOTION_CAPTURE_PORT and EMOTION_GATEWAY_PORT are both {port}"):
        require_ports([replace(GATEWAY, port=port), capture])


def test_port_zero_is_an_error() -> None:
    with pytest.raises(PrerequisiteError, match="EMOTION_GATEWAY_PORT=0"):
        require_ports([replace(GATEWAY, port=0)])


@pytest.mark.parametrize(
    ("name", "why"),
    [("EMOTION_GATEWAY_REDIS_URL", "make run, which sets it"), ("EMOTION_GATWAY_PORT", "unknown setting")],
)
def test_variable_without_effect_is_an_error(name: str, why: str) -> None:
    require_known_variables({"PATH": "", "EMOTION_GATEWAY_PORT": "1", "EMOTION_CAPTURE_FPS": "1"})
    with pytest.raises(PrerequisiteError, match=f"^{name}.*{why}"):
        require_known_variables({name: "x"})


def test_process_on_all_addresses_is_reached_locally() -> None:
    assert [local_address(host) for host in ("0.0.0.0", "::", "192.0.2.7")] == ["127.0.0.1", "127.0.0.1", "192.0.2.7"]


def test_first_server_that_runs_is_used(tmp_path: Path) -> None:
    assert first_that_runs(None, "/nonexistent/redis-server", sys.executable, server(tmp_path, "6.2.0")).endswith(
        "6.2.0"
    )


@pytest.mark.parametrize(("version", "is_used"), [("6.0.16", False), ("6.2.0", True), ("7.0.15", True), ("10.1", True)])
def test_old_redis_is_skipped(tmp_path: Path, version: str, is_used: bool) -> None:
    newer = server(tmp_path, "9.1.2", "Valkey")
    assert (first_that_runs(server(tmp_path, version), newer) != newer) is is_used


def server(folder: Path, version: str, name: str = "Redis") -> str:
    """Return a program that prints its version as the real ones do."""
    path = folder / f"{name}-{version}"
    path.write_text(f"#!/bin/sh\necho '{name} server v={version} sha=00000000:0 malloc=libc bits=64'\n")
    path.chmod(0o700)
    return str(path)


def test_missing_redis_is_one_sentence_with_the_remedy() -> None:
    with pytest.raises(PrerequisiteError, match="apt install redis-server"):
        first_that_runs(None, "/nonexistent/redis-server")


def test_passwords_of_cameras_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_CAPTURE_CAMERAS", "cam0=demo,door=rtsp://me:hush@host/x")
    cameras = load_system_settings().cameras
    assert cameras.startswith("cam0=demo, door=rtsp://")
    assert "hush" not in cameras


def test_lines_of_services_cannot_control_the_terminal() -> None:
    out = io.StringIO()
    line = b"cam0: \x1b]0;title\x07 \xe2\x80\xae \x9b31m\r\nsecond\x1b[2J\n"
    PrintablePrinter(out).write(Message("line", line, datetime.now(UTC), "capture", None))
    first, second = out.getvalue().splitlines()
    assert r"cam0: \x1b]0;title\x07 \u202e" in first
    assert second.endswith(r"second\x1b[2J")
    assert out.getvalue().replace("\n", "").isprintable()


def test_model_config_names_folders_of_this_machine(tmp_path: Path) -> None:
    repository, target = tmp_path / 'a "model" repo', tmp_path / "new" / "models.config"
    repository.mkdir()
    shutil.copy(ROOT / "model_repo" / "models.config", repository)
    write_model_config(repository, target)
    (model,) = read_model_configs(target)
    assert (model.name, model.base_path) == ("emotion", repository / "emotion")
