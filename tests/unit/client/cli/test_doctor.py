from dataclasses import replace
from typing import Any

import pytest

from emotion_client import AccessError, EmotionError, Readiness, ServiceState, UnreachableError
from emotion_client.cli.doctor.checks import check_gateway, check_host
from emotion_client.cli.doctor.command import report
from emotion_client.cli.doctor.facts import (
    LINUX,
    MACOS,
    WINDOWS,
    CaptureFormat,
    Device,
    Finding,
    Gateway,
    Holder,
    Host,
    Level,
    Measurement,
)
from emotion_client.errors import problem_error
from services.contracts.cameras import CameraView
from services.contracts.problems import Problem, ProblemKind

MJPG = CaptureFormat("MJPG", 1280, 720, 30.0)
GOOD = Measurement("", 1280, 720, 29.8, 412.0, 63.0)
SYSTEMS = (LINUX, MACOS, WINDOWS)


def device(**facts: Any) -> Device:
    return replace(Device("HD Webcam", "/dev/video0", group="video", formats=(MJPG,)), **facts)


def host_finding(facts: Device, system: str = LINUX, pending_groups: frozenset[str] = frozenset()) -> Finding:
    (finding,) = check_host(Host(system, True, (facts,), pending_groups))
    return finding


def test_working_camera() -> None:
    finding = host_finding(device(measurement=GOOD))
    assert finding == Finding(
        Level.OK,
        "HD Webcam (/dev/video0)",
        "1280×720 at 29.8 fps, frames 63 ms old, first frame after 412 ms; offers MJPG up to 1280×720 at 30 fps",
    )


def test_camera_without_permission_on_linux() -> None:
    finding = host_finding(device(allowed=False))
    assert (finding.level, finding.remedy) == (Level.ERROR, 'sudo usermod -aG video "$USER"')


def test_group_joined_after_login() -> None:
    finding = host_finding(device(allowed=False), pending_groups=frozenset({"video"}))
    assert (finding.level, finding.remedy) == (Level.ERROR, "newgrp video")


def test_camera_in_use() -> None:
    finding = host_finding(device(holders=(Holder(4711, "/usr/bin/cheese"),)))
    assert (finding.level, finding.remedy) == (Level.WARNING, "kill 4711")
    assert "/usr/bin/cheese (process 4711)" in finding.detail


def test_camera_used_by_capture_is_ok() -> None:
    finding = host_finding(device(holders=(Holder(4711, "python -m services.capture"),)))
    assert (finding.level, finding.remedy) == (Level.OK, "")


@pytest.mark.parametrize(
    ("system", "remedy"),
    [(LINUX, "sudo fuser -v /dev/video0"), (MACOS, "Privacy_Camera"), (WINDOWS, "ms-settings:privacy-webcam")],
)
def test_camera_without_frames(system: str, remedy: str) -> None:
    finding = host_finding(device(measurement=Measurement("it opens but delivers no frame")), system)
    assert finding.level is Level.ERROR
    assert remedy in finding.remedy


def test_slow_camera() -> None:
    finding = host_finding(device(measurement=Measurement("", 640, 480, 7.5, 400.0)))
    assert (finding.level, "exposure_dynamic_framerate" in finding.remedy) == (Level.WARNING, True)


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_camera(system: str) -> None:
    (finding,) = check_host(Host(system, True))
    assert finding.level is Level.WARNING
    assert finding.remedy


def test_missing_opencv_has_its_install_command() -> None:
    findings = check_host(Host(LINUX, False, (device(),)))
    assert findings[-1].remedy == "pip install 'emotion-client[video]'"
    assert findings[0].level is Level.OK


WELL = {name: ServiceState(True, name != "redis", "answers") for name in ("redis", "detector", "model")}
CAMERA = CameraView("cam0", "online", "demo", 29.9, 1280, 720, 41.0, 100, 2, 1, "")


def gateway(**facts: Any) -> Gateway:
    well = Gateway("http://127.0.0.1:8000", True, readiness=Readiness("ready", WELL), cameras=(CAMERA,))
    return replace(well, **facts)


def failing(name: str) -> Readiness:
    status = "unready" if WELL[name].required else "degraded"
    return Readiness(status, {**WELL, name: ServiceState(False, WELL[name].required, "no answer")})


def findings_of(facts: Gateway, system: str = LINUX) -> dict[str, Finding]:
    return {finding.subject: finding for finding in check_gateway(facts, system)}


def test_healthy_gateway() -> None:
    findings = findings_of(gateway())
    assert list(findings) == ["gateway http://127.0.0.1:8000", "redis", "detector", "model", "camera cam0"]
    assert {finding.level for finding in findings.values()} == {Level.OK}


@pytest.mark.parametrize(
    ("name", "level", "service"),
    [("redis", Level.WARNING, "redis"), ("detector", Level.ERROR, "detector"), ("model", Level.ERROR, "serving")],
)
@pytest.mark.parametrize("system", SYSTEMS)
def test_unavailable_service(name: str, level: Level, service: str, system: str) -> None:
    finding = findings_of(gateway(readiness=failing(name)), system)[name]
    assert finding.level is level
    assert finding.remedy.startswith(f"docker compose up --detach --wait {service}")
    assert ("make run" in finding.remedy) is (system != WINDOWS)


def test_no_start_command_for_another_machine() -> None:
    assert findings_of(gateway(readiness=failing("model"), is_local=False))["model"].remedy == ""


@pytest.mark.parametrize(("is_local", "remedy"), [(True, "docker compose up"), (False, "ping gate.example.org")])
def test_unreachable_gateway(is_local: bool, remedy: str) -> None:
    url = "http://127.0.0.1:8000" if is_local else "http://gate.example.org:8000"
    error = UnreachableError(f"{url}: connection refused")
    (finding,) = check_gateway(Gateway(url, is_local, error=error), LINUX)
    assert finding.level is Level.ERROR
    assert finding.remedy.startswith(remedy)


def refused(kind: ProblemKind) -> EmotionError:
    return problem_error(Problem(kind, "refused").encode(""), kind.status)


def test_missing_key() -> None:
    facts = gateway(cameras=None, error=refused(ProblemKind.UNAUTHORIZED))
    assert isinstance(facts.error, AccessError)
    assert check_gateway(facts, LINUX)[-1].remedy == "export EMOTION_API_KEY=KEY"
    assert check_gateway(facts, WINDOWS)[-1].remedy == '$env:EMOTION_API_KEY = "KEY"'


def test_unknown_host_name() -> None:
    facts = Gateway("http://gate.example.org:8000", False, error=refused(ProblemKind.UNKNOWN_HOST))
    assert check_gateway(facts, LINUX)[-1].remedy == "EMOTION_GATEWAY_ALLOWED_HOSTS=gate.example.org make run"


def camera(state: str, error: str = "", source: str = "demo") -> CameraView:
    return CameraView("cam0", state, source, 0.0, 1280, 720, None, 100, 2, 1, error)


@pytest.mark.parametrize(
    ("seen", "level", "detail"),
    [
        (camera("offline"), Level.ERROR, "its capture process has stopped"),
        (camera("failed", "no such device"), Level.ERROR, "no such device"),
        (camera("finished"), Level.OK, "no frame"),
    ],
)
def test_cameras_of_the_gateway(seen: CameraView, level: Level, detail: str) -> None:
    finding = findings_of(gateway(cameras=(seen,)))["camera cam0"]
    assert finding.level is level
    assert detail in finding.detail


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("rtsp://door.example.org/a b", "ffprobe 'rtsp://door.example.org/a b'"),
        ("/dev/video0", "ls -l /dev/video*"),
        ("0", "lsusb"),
        ("film.mp4", "ls -l film.mp4"),
    ],
)
def test_failing_camera_has_a_command_for_its_source(source: str, remedy: str) -> None:
    finding = findings_of(gateway(cameras=(camera("failed", "can't be opened", source),)))["camera cam0"]
    assert remedy in finding.remedy
    assert "on the camera's host" in finding.remedy


@pytest.mark.parametrize("system", SYSTEMS)
def test_gateway_without_cameras(system: str) -> None:
    finding = findings_of(gateway(cameras=()), system)["gateway's cameras"]
    assert finding.level is Level.WARNING
    assert "capture" in finding.remedy


def test_report_has_remedies_and_a_summary() -> None:
    text = report([Finding(Level.OK, "redis", "answers"), Finding(Level.ERROR, "model", "gone", "fix it")]).plain
    assert text == "✓ redis: answers\n✗ model: gone\n    fix it\n1 problem, 0 warnings\n"
