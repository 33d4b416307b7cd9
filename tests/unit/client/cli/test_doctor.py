from dataclasses import replace
from typing import Any

import pytest

from emotion_client import AccessError, EmotionError, Readiness, ServiceState, UnreachableError
from emotion_client.cli.doctor.checks import judge_gateway, judge_host
from emotion_client.cli.doctor.command import report
from emotion_client.cli.doctor.facts import (
    LINUX,
    MACOS,
    WINDOWS,
    Device,
    Finding,
    Gateway,
    Holder,
    Host,
    Level,
    Measured,
    PictureFormat,
)
from emotion_client.errors import problem_error
from services.contracts.cameras import CameraView
from services.contracts.problems import Problem, ProblemKind

MJPG = PictureFormat("MJPG", 1280, 720, 30.0)
GOOD = Measured("", 1280, 720, 29.8, 412.0, 63.0)
SYSTEMS = (LINUX, MACOS, WINDOWS)


def device(**facts: Any) -> Device:
    return replace(Device("HD Webcam", "/dev/video0", group="video", formats=(MJPG,)), **facts)


def host_finding(facts: Device, system: str = LINUX, joined: frozenset[str] = frozenset()) -> Finding:
    (finding,) = judge_host(Host(system, True, (facts,), joined))
    return finding


def test_a_camera_that_delivers() -> None:
    finding = host_finding(device(measured=GOOD))
    assert finding == Finding(
        Level.OK,
        "HD Webcam (/dev/video0)",
        "1280×720 at 29.8 fps, 63 ms old on arrival, first picture after 412 ms; offers MJPG up to 1280×720 at 30 fps",
    )


def test_a_camera_that_is_forbidden_on_linux() -> None:
    finding = host_finding(device(allowed=False))
    assert (finding.level, finding.remedy) == (Level.WRONG, 'sudo usermod -aG video "$USER"')


def test_a_group_that_was_joined_too_late() -> None:
    finding = host_finding(device(allowed=False), joined=frozenset({"video"}))
    assert (finding.level, finding.remedy) == (Level.WRONG, "newgrp video")


def test_a_camera_in_use() -> None:
    finding = host_finding(device(holders=(Holder(4711, "/usr/bin/cheese"),)))
    assert (finding.level, finding.remedy) == (Level.WARNING, "kill 4711")
    assert "/usr/bin/cheese (process 4711)" in finding.detail


def test_a_camera_that_our_capture_uses_is_well() -> None:
    finding = host_finding(device(holders=(Holder(4711, "python -m services.capture"),)))
    assert (finding.level, finding.remedy) == (Level.OK, "")


@pytest.mark.parametrize(
    ("system", "remedy"),
    [(LINUX, "sudo fuser -v /dev/video0"), (MACOS, "Privacy_Camera"), (WINDOWS, "ms-settings:privacy-webcam")],
)
def test_a_camera_that_gives_no_picture(system: str, remedy: str) -> None:
    finding = host_finding(device(measured=Measured("it opens and gives no picture")), system)
    assert finding.level is Level.WRONG
    assert remedy in finding.remedy


def test_a_slow_camera() -> None:
    finding = host_finding(device(measured=Measured("", 640, 480, 7.5, 400.0)))
    assert (finding.level, "exposure_dynamic_framerate" in finding.remedy) == (Level.WARNING, True)


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_camera(system: str) -> None:
    (finding,) = judge_host(Host(system, True))
    assert finding.level is Level.WARNING
    assert finding.remedy


def test_without_opencv_the_way_to_it_is_told() -> None:
    findings = judge_host(Host(LINUX, False, (device(),)))
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
    return {finding.subject: finding for finding in judge_gateway(facts, system)}


def test_all_is_well() -> None:
    findings = findings_of(gateway())
    assert list(findings) == ["gateway http://127.0.0.1:8000", "redis", "detector", "model", "camera cam0"]
    assert {finding.level for finding in findings.values()} == {Level.OK}


@pytest.mark.parametrize(
    ("name", "level", "service"),
    [("redis", Level.WARNING, "redis"), ("detector", Level.WRONG, "detector"), ("model", Level.WRONG, "serving")],
)
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_service_that_is_gone(name: str, level: Level, service: str, system: str) -> None:
    finding = findings_of(gateway(readiness=failing(name)), system)[name]
    assert finding.level is level
    assert finding.remedy.startswith(f"docker compose up --detach --wait {service}")
    assert ("make run" in finding.remedy) is (system != WINDOWS)


def test_nothing_is_started_on_another_machine() -> None:
    assert findings_of(gateway(readiness=failing("model"), is_here=False))["model"].remedy == ""


@pytest.mark.parametrize(("is_here", "remedy"), [(True, "docker compose up"), (False, "ping gate.example.org")])
def test_a_gateway_that_is_not_reachable(is_here: bool, remedy: str) -> None:
    url = "http://127.0.0.1:8000" if is_here else "http://gate.example.org:8000"
    error = UnreachableError(f"{url}: connection refused")
    (finding,) = judge_gateway(Gateway(url, is_here, error=error), LINUX)
    assert finding.level is Level.WRONG
    assert finding.remedy.startswith(remedy)


def refused(kind: ProblemKind) -> EmotionError:
    return problem_error(Problem(kind, "refused").encode(""), kind.status)


def test_a_key_that_is_missing() -> None:
    facts = gateway(cameras=None, error=refused(ProblemKind.UNAUTHORIZED))
    assert isinstance(facts.error, AccessError)
    assert judge_gateway(facts, LINUX)[-1].remedy == "export EMOTION_API_KEY=KEY"
    assert judge_gateway(facts, WINDOWS)[-1].remedy == '$env:EMOTION_API_KEY = "KEY"'


def test_a_name_that_the_gateway_does_not_know() -> None:
    facts = Gateway("http://gate.example.org:8000", False, error=refused(ProblemKind.UNKNOWN_HOST))
    assert judge_gateway(facts, LINUX)[-1].remedy == "EMOTION_GATEWAY_ALLOWED_HOSTS=gate.example.org make run"


def camera(state: str, error: str = "") -> CameraView:
    return CameraView("cam0", state, "demo", 0.0, 1280, 720, None, 100, 2, 1, error)


@pytest.mark.parametrize(
    ("seen", "level", "told"),
    [
        (camera("offline"), Level.WRONG, "its capture process has gone"),
        (camera("failed", "no such device"), Level.WRONG, "no such device"),
        (camera("finished"), Level.OK, "no picture"),
    ],
)
def test_cameras_of_the_gateway(seen: CameraView, level: Level, told: str) -> None:
    finding = findings_of(gateway(cameras=(seen,)))["camera cam0"]
    assert finding.level is level
    assert told in finding.detail


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_gateway_without_cameras(system: str) -> None:
    finding = findings_of(gateway(cameras=()), system)["gateway's cameras"]
    assert finding.level is Level.WARNING
    assert "capture" in finding.remedy


def test_the_report_has_the_remedy_below() -> None:
    text = report([Finding(Level.OK, "redis", "answers"), Finding(Level.WRONG, "model", "gone", "mend it")]).plain
    assert text == "✓ redis: answers\n✗ model: gone\n    mend it\n"
