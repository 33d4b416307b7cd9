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
from launcher.ports import Listener, free_port, reachable, require_ports
from launcher.process_manager import PrintablePrinter
from launcher.redis_server import first_that_runs
from launcher.start import choose_camera
from launcher.watch import line, missing, wait_until_ready
from services.serving.model_config import read_model_configs
from tests.support.processes import ROOT

ANSWER = {
    "source": {"kind": "camera", "camera": "cam0", "age_ms": 41.2},
    "emotion": "happy",
    "confidence": 0.8313,
    "reliable": True,
    "faces": [{}],
}


def test_a_line_tells_emotion_confidence_faces_and_age() -> None:
    assert line(ANSWER) == "cam0  happy    0.83  (1 face)  frame 41 ms old"
    assert line({**ANSWER, "reliable": False, "faces": [{}, {}]}) == (
        "cam0  happy    0.83, unsure  (2 faces)  frame 41 ms old"
    )
    assert line({**ANSWER, "faces": [], "emotion": None}) == "cam0  no face  frame 41 ms old"


def test_what_is_missing_is_named() -> None:
    states = {"redis": {"ok": True}, "detector": {"ok": False}, "model": {"ok": False}}
    assert missing({"dependencies": states}) == "detector, model"


def test_the_watch_bears_answers_that_it_cannot_read(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(
        [
            httpx.Response(500, text="no JSON"),
            httpx.Response(500, json={"type": "urn:emotion:problem:internal"}),
            httpx.Response(200, json={"status": "ready", "dependencies": {}}),
        ]
    )
    transport = httpx.MockTransport(lambda _: next(answers))
    with httpx.Client(transport=transport, base_url="http://gateway") as client:
        wait_until_ready(client)
    assert capsys.readouterr().out == "waiting for the gateway\n"


@pytest.mark.parametrize("asked", ["demo", "0", "/dev/video1", "rtsp://host/path", "film.mp4"])
def test_the_camera_that_was_asked_for_is_taken(asked: str) -> None:
    assert choose_camera(asked) == asked


GATEWAY = Listener("the gateway", "EMOTION_GATEWAY_PORT", 8000)


def test_a_taken_port_is_one_sentence_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PrerequisiteError, match=rf"Port {port}, on which the gateway .* set EMOTION_GATEWAY_PORT"):
            require_ports([replace(GATEWAY, port=port)])
    require_ports([replace(GATEWAY, port=port)])


def test_two_processes_on_one_port_are_told() -> None:
    port = free_port()
    capture = Listener("the capture", "EMOTION_CAPTURE_PORT", port)
    with pytest.raises(PrerequisiteError, match=f"EMOTION_CAPTURE_PORT and EMOTION_GATEWAY_PORT are both {port}"):
        require_ports([replace(GATEWAY, port=port), capture])


def test_any_port_will_not_do_where_others_must_know_it() -> None:
    with pytest.raises(PrerequisiteError, match="EMOTION_GATEWAY_PORT=0"):
        require_ports([replace(GATEWAY, port=0)])


@pytest.mark.parametrize(
    ("name", "why"),
    [("EMOTION_GATEWAY_REDIS_URL", "starts its own"), ("EMOTION_GATWAY_PORT", "no such setting")],
)
def test_a_variable_without_effect_is_told(name: str, why: str) -> None:
    require_known_variables({"PATH": "", "EMOTION_GATEWAY_PORT": "1", "EMOTION_CAPTURE_FPS": "1"})
    with pytest.raises(PrerequisiteError, match=f"^{name}.*{why}"):
        require_known_variables({name: "x"})


def test_a_process_that_listens_everywhere_is_reached_here() -> None:
    assert [reachable(host) for host in ("0.0.0.0", "::", "192.0.2.7")] == ["127.0.0.1", "127.0.0.1", "192.0.2.7"]


def test_the_first_server_that_runs_is_taken(tmp_path: Path) -> None:
    assert first_that_runs(None, "/nonexistent/redis-server", sys.executable, server(tmp_path, "6.2.0")).endswith(
        "6.2.0"
    )


@pytest.mark.parametrize(
    ("version", "is_taken"), [("6.0.16", False), ("6.2.0", True), ("7.0.15", True), ("10.1", True)]
)
def test_a_redis_that_is_too_old_is_passed_over(tmp_path: Path, version: str, is_taken: bool) -> None:
    newer = server(tmp_path, "9.1.2", "Valkey")
    assert (first_that_runs(server(tmp_path, version), newer) != newer) is is_taken


def server(folder: Path, version: str, name: str = "Redis") -> str:
    """Return a program that tells its version as the real ones do."""
    path = folder / f"{name}-{version}"
    path.write_text(f"#!/bin/sh\necho '{name} server v={version} sha=00000000:0 malloc=libc bits=64'\n")
    path.chmod(0o700)
    return str(path)


def test_without_redis_one_sentence_says_how_to_install_it() -> None:
    with pytest.raises(PrerequisiteError, match="apt install redis-server"):
        first_that_runs(None, "/nonexistent/redis-server")


def test_passwords_of_cameras_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_CAPTURE_CAMERAS", "cam0=demo,door=rtsp://me:hush@host/x")
    cameras = load_system_settings().cameras
    assert cameras.startswith("cam0=demo, door=rtsp://")
    assert "hush" not in cameras


def test_lines_of_services_cannot_steer_the_terminal() -> None:
    out = io.StringIO()
    line = b"cam0: \x1b]0;title\x07 \xe2\x80\xae \x9b31m\r\nsecond\x1b[2J\n"
    PrintablePrinter(out).write(Message("line", line, datetime.now(UTC), "capture", None))
    first, second = out.getvalue().splitlines()
    assert r"cam0: \x1b]0;title\x07 \u202e" in first
    assert second.endswith(r"second\x1b[2J")
    assert out.getvalue().replace("\n", "").isprintable()


def test_the_list_of_models_names_folders_that_exist_here(tmp_path: Path) -> None:
    repository, target = tmp_path / 'a "model" repo', tmp_path / "new" / "models.config"
    repository.mkdir()
    shutil.copy(ROOT / "model_repo" / "models.config", repository)
    write_model_config(repository, target)
    (model,) = read_model_configs(target)
    assert (model.name, model.base_path) == ("emotion", repository / "emotion")
