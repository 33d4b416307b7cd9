"""Judges the gateway, the services behind it and its cameras."""

from collections.abc import Iterator
from urllib.parse import urlsplit

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
)
from emotion_client.cli.video import NEEDS_OPENCV
from emotion_client.errors import AccessError, EmotionError, UnavailableError, UnreachableError
from emotion_client.results import ServiceState
from services.contracts.cameras import OFFLINE, CameraView

_COMPOSE_SERVICE = {"redis": "redis", "detector": "detector", "model": "serving"}
_WELL = ("online", "finished")
_ROLE = {"redis": "cameras' pictures", "detector": "finding faces", "model": "telling emotions"}


def judge_gateway(gateway: Gateway, system: str) -> list[Finding]:
    """Return what is to be said of the gateway.

    Args:
        gateway: What was seen of it.
        system: Where this runs, as ``sys.platform`` names it.
    """
    findings = list(_services(gateway, system))
    if gateway.error is not None:
        findings.append(_judge_error(gateway, gateway.error, system))
    if gateway.cameras is not None:
        findings += [_camera(camera, system) for camera in gateway.cameras]
        if not gateway.cameras:
            detail = "none has registered: capture isn't running, or can't reach Redis"
            findings.append(Finding(Level.WARNING, "gateway's cameras", detail, _start_capture(system)))
    return findings


def _services(gateway: Gateway, system: str) -> Iterator[Finding]:
    if gateway.readiness is None:
        return
    level = {"ready": Level.OK, "degraded": Level.WARNING}.get(gateway.readiness.status, Level.WRONG)
    detail = f"{gateway.readiness.status}, answered in {gateway.answer_ms:.0f} ms"
    yield Finding(level, f"gateway {gateway.url}", detail)
    for name, state in gateway.readiness.dependencies.items():
        yield _service(name, state, gateway, system)


def _service(name: str, state: ServiceState, gateway: Gateway, system: str) -> Finding:
    if state.ok:
        return Finding(Level.OK, name, state.detail or "answers")
    level = Level.WRONG if state.required else Level.WARNING
    role = f" (needed for {_ROLE[name]})" if name in _ROLE else ""
    remedy = ""
    if gateway.is_here and name in _COMPOSE_SERVICE:
        remedy = f"docker compose up --detach --wait {_COMPOSE_SERVICE[name]}{_or_make_run(system)}"
    return Finding(level, name, f"{state.detail}{role}", remedy)


def _judge_error(gateway: Gateway, error: EmotionError, system: str) -> Finding:
    subject = f"gateway {gateway.url}"
    host = urlsplit(gateway.url).hostname or ""
    match error:
        case UnreachableError() if gateway.is_here:
            return Finding(Level.WRONG, subject, f"not reachable: {error}", _start(system))
        case UnreachableError():
            return Finding(Level.WRONG, subject, f"not reachable: {error}", f"ping {host}")
        case AccessError(status=401):
            return Finding(Level.WRONG, subject, str(error), _set_key(system))
        case AccessError(status=421):
            return Finding(Level.WRONG, subject, str(error), f"EMOTION_GATEWAY_ALLOWED_HOSTS={host} make run")
        case UnavailableError():  # what it lacks was named among the services
            return Finding(Level.WARNING, "gateway's cameras", str(error))
    return Finding(Level.WRONG, subject, str(error))


def _camera(camera: CameraView, system: str) -> Finding:
    subject = f"camera {camera.id}"
    age = "no picture" if camera.age_ms is None else f"newest picture {camera.age_ms:.0f} ms old"
    detail = f"{camera.state}, {camera.width}×{camera.height} at {camera.fps:.1f} fps, {age}, {camera.dropped} dropped"
    if camera.state in _WELL:
        return Finding(Level.OK, subject, detail)
    if camera.state == OFFLINE:
        return Finding(Level.WRONG, subject, "offline: its capture process has gone", _start_capture(system))
    why = f": {camera.last_error}" if camera.last_error else ""
    return Finding(Level.WRONG, subject, f"{detail}{why}")


def _start(system: str) -> str:
    return f"docker compose up --build --wait{_or_make_run(system)}"


def _or_make_run(system: str) -> str:
    return "" if system == WINDOWS else "  # without Docker: make run"


def _start_capture(system: str) -> str:
    if system == WINDOWS:
        return '$env:EMOTION_CAPTURE_CAMERAS = "cam0=0"; py -m services.capture'
    return "make capture CAMERA=0"


def _set_key(system: str) -> str:
    return '$env:EMOTION_API_KEY = "KEY"' if system == WINDOWS else "export EMOTION_API_KEY=KEY"


SLOW_FPS = 10.0
OUR_CAPTURE = "services.capture"

_PRIVACY = {
    MACOS: "open 'x-apple.systempreferences:com.apple.preference.security?Privacy_Camera'",
    WINDOWS: "start ms-settings:privacy-webcam",
}
_LIST = {
    LINUX: "lsusb; ls -l /dev/video*",
    MACOS: "system_profiler SPCameraDataType",
    WINDOWS: "pnputil /enum-devices /class Camera",
}


def judge_host(host: Host) -> list[Finding]:
    """Return what is to be said of this machine's cameras."""
    if not host.devices:
        detail = "none is plugged in, or this system hides it; the demo feed needs none: make run CAMERA=demo"
        return [Finding(Level.WARNING, "cameras here", detail, _LIST.get(host.system, ""))]
    findings = [_judge(device, host) for device in host.devices]
    if not host.has_opencv:
        remedy = NEEDS_OPENCV.partition(": ")[2]
        findings.append(Finding(Level.WARNING, "OpenCV", "isn't installed: cameras weren't measured", remedy))
    return findings


def _judge(device: Device, host: Host) -> Finding:
    subject = f"{device.name} ({device.source})"
    if not device.allowed:
        return Finding(Level.WRONG, subject, *_forbidden(device, host))
    others = [holder for holder in device.holders if OUR_CAPTURE not in holder.command]
    if others:
        return Finding(Level.WARNING, subject, f"in use by {_named(others)}", f"kill {others[0].pid}")
    if device.holders:
        return Finding(Level.OK, subject, f"in use by capture; {_offers(device)}")
    if device.measured is None:
        return Finding(Level.OK, subject, f"not opened; {_offers(device)}")
    if device.measured.problem:
        return Finding(Level.WRONG, subject, *_silent(device.measured, device, host.system))
    return _delivers(subject, device, device.measured, host.system)


def _forbidden(device: Device, host: Host) -> tuple[str, str]:
    if host.system != LINUX:
        return "this program isn't allowed to use it", _PRIVACY.get(host.system, "")
    if device.group in host.joined:
        return f"you joined the group {device.group} after you logged in: log in anew", f"newgrp {device.group}"
    detail = f"only the group {device.group} may open it; log in anew after the command"
    return detail, f'sudo usermod -aG {device.group} "$USER"'


def _silent(measured: Measured, device: Device, system: str) -> tuple[str, str]:
    if system in _PRIVACY:
        return f"{measured.problem}: not allowed, or another program has it", _PRIVACY[system]
    return f"{measured.problem}: another user's program may have it", f"sudo fuser -v {device.source}"


def _delivers(subject: str, device: Device, measured: Measured, system: str) -> Finding:
    latency = "" if measured.latency_ms is None else f", {measured.latency_ms:.0f} ms old on arrival"
    detail = (
        f"{measured.width}×{measured.height} at {measured.fps:.1f} fps{latency}, "
        f"first picture after {measured.first_ms:.0f} ms; {_offers(device)}"
    )
    if measured.fps >= SLOW_FPS:
        return Finding(Level.OK, subject, detail)
    # In poor light many webcams expose longer than a frame may last.
    remedy = f"v4l2-ctl --device {device.source} --set-ctrl exposure_dynamic_framerate=0" if system == LINUX else ""
    return Finding(Level.WARNING, subject, f"slow, perhaps for want of light: {detail}", remedy)


def _offers(device: Device) -> str:
    if not device.formats:
        return "its formats aren't known"
    return "offers " + ", ".join(
        f"{offer.code} up to {offer.width}×{offer.height}" + (f" at {offer.fps:g} fps" if offer.fps else "")
        for offer in device.formats
    )


def _named(holders: list[Holder]) -> str:
    return ", ".join(f"{holder.command[:60]} (process {holder.pid})" for holder in holders)
