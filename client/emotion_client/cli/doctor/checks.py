"""The checks of the doctor: pure functions from facts to findings."""

import shlex
from collections.abc import Iterator, Sequence
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
    Measurement,
)
from emotion_client.cli.video import INSTALL_VIDEO
from emotion_client.errors import AccessError, EmotionError, UnavailableError, UnreachableError
from emotion_client.results import ServiceState
from services.contracts.cameras import OFFLINE, CameraView

MIN_FPS = 10.0
"""A slower camera gets a warning."""

CAPTURE_MODULE = "services.capture"

_COMPOSE_SERVICES = {"redis": "redis", "detector": "detector", "model": "serving"}
_PURPOSES = {"redis": "frames of cameras", "detector": "face detection", "model": "emotion recognition"}
_HEALTHY_STATES = ("online", "finished")

_PRIVACY_SETTINGS = {
    MACOS: "open 'x-apple.systempreferences:com.apple.preference.security?Privacy_Camera'",
    WINDOWS: "start ms-settings:privacy-webcam",
}
_LIST_CAMERAS = {
    LINUX: "lsusb; ls -l /dev/video*",
    MACOS: "system_profiler SPCameraDataType",
    WINDOWS: "pnputil /enum-devices /class Camera",
}


def check_gateway(gateway: Gateway, system: str) -> list[Finding]:
    """Return the findings about the gateway, its services and its cameras.

    Args:
        gateway: The gateway as seen from this machine.
        system: Value of ``sys.platform``.
    """
    findings = list(_check_services(gateway, system))
    if gateway.error is not None:
        findings.append(_check_error(gateway, gateway.error, system))
    if gateway.cameras is not None:
        findings += [_check_camera(camera, system) for camera in gateway.cameras]
        if not gateway.cameras:
            detail = "none is registered: capture isn't running, or it can't reach Redis"
            findings.append(Finding(Level.WARNING, "gateway's cameras", detail, _start_capture(system)))
    return findings


def _check_services(gateway: Gateway, system: str) -> Iterator[Finding]:
    if gateway.readiness is None:
        return
    level = {"ready": Level.OK, "degraded": Level.WARNING}.get(gateway.readiness.status, Level.ERROR)
    detail = f"{gateway.readiness.status}, responded in {gateway.response_ms:.0f} ms"
    yield Finding(level, f"gateway {gateway.url}", detail)
    for name, state in gateway.readiness.dependencies.items():
        yield _check_service(name, state, gateway, system)


def _check_service(name: str, state: ServiceState, gateway: Gateway, system: str) -> Finding:
    if state.ok:
        return Finding(Level.OK, name, state.detail or "responds")
    level = Level.ERROR if state.required else Level.WARNING
    purpose = f" (needed for {_PURPOSES[name]})" if name in _PURPOSES else ""
    remedy = ""
    if gateway.is_local and name in _COMPOSE_SERVICES:
        remedy = f"docker compose up --detach --wait {_COMPOSE_SERVICES[name]}{_or_make_run(system)}"
    return Finding(level, name, f"{state.detail}{purpose}", remedy)


def _check_error(gateway: Gateway, error: EmotionError, system: str) -> Finding:
    subject = f"gateway {gateway.url}"
    host = urlsplit(gateway.url).hostname or ""
    match error:
        case UnreachableError() if gateway.is_local:
            return Finding(Level.ERROR, subject, f"unreachable: {error}", _start_all(system))
        case UnreachableError():
            return Finding(Level.ERROR, subject, f"unreachable: {error}", f"ping {host}")
        case AccessError(status=401):
            return Finding(Level.ERROR, subject, str(error), _set_api_key(system))
        case AccessError(status=421):
            return Finding(Level.ERROR, subject, str(error), f"EMOTION_GATEWAY_ALLOWED_HOSTS={host} make run")
        case UnavailableError():  # the missing service has its own finding
            return Finding(Level.WARNING, "gateway's cameras", str(error))
    return Finding(Level.ERROR, subject, str(error))


def _check_camera(camera: CameraView, system: str) -> Finding:
    subject = f"camera {camera.id}"
    age = "no frame" if camera.age_ms is None else f"newest frame {camera.age_ms:.0f} ms old"
    detail = f"{camera.state}, {camera.width}×{camera.height} at {camera.fps:.1f} fps, {age}, {camera.dropped} dropped"
    if camera.state in _HEALTHY_STATES:
        return Finding(Level.OK, subject, detail)
    if camera.state == OFFLINE:
        return Finding(Level.ERROR, subject, "offline: its capture process has stopped", _start_capture(system))
    error = f": {camera.last_error}" if camera.last_error else ""
    return Finding(Level.ERROR, subject, f"{detail}{error}", _examine_source(camera.source, system))


def _examine_source(source: str, system: str) -> str:
    """Return a command that examines a camera's source; it must run on the host of the camera."""
    if "://" in source:
        command = f"ffprobe {shlex.quote(source)}"
    elif source.isdecimal() or source.startswith("/dev/"):
        command = _LIST_CAMERAS.get(system, "")
    elif source:
        command = f"ls -l {shlex.quote(source)}"
    else:
        command = ""
    return f"{command}  # on the camera's host" if command else ""


def _start_all(system: str) -> str:
    return f"docker compose up --build --wait{_or_make_run(system)}"


def _or_make_run(system: str) -> str:
    return "" if system == WINDOWS else "  # without Docker: make run"


def _start_capture(system: str) -> str:
    if system == WINDOWS:
        return '$env:EMOTION_CAPTURE_CAMERAS = "cam0=0"; py -m services.capture'
    return "make capture CAMERA=0"


def _set_api_key(system: str) -> str:
    return '$env:EMOTION_API_KEY = "KEY"' if system == WINDOWS else "export EMOTION_API_KEY=KEY"


def check_host(host: Host) -> list[Finding]:
    """Return the findings about the cameras of this machine."""
    if not host.devices:
        detail = "none found; the demo feed needs no camera: make run CAMERA=demo"
        return [Finding(Level.WARNING, "local cameras", detail, _LIST_CAMERAS.get(host.system, ""))]
    findings = [_check_device(device, host) for device in host.devices]
    if not host.has_opencv:
        findings.append(Finding(Level.WARNING, "OpenCV", "not installed: cameras were not measured", INSTALL_VIDEO))
    return findings


def _check_device(device: Device, host: Host) -> Finding:
    subject = f"{device.name} ({device.source})"
    if not device.allowed:
        return Finding(Level.ERROR, subject, *_no_permission(device, host))
    others = [holder for holder in device.holders if CAPTURE_MODULE not in holder.command]
    if others:
        return Finding(Level.WARNING, subject, f"in use by {_holder_names(others)}", f"kill {others[0].pid}")
    if device.holders:
        return Finding(Level.OK, subject, f"in use by capture; {_formats(device)}")
    if device.measurement is None:
        return Finding(Level.OK, subject, f"not opened; {_formats(device)}")
    if device.measurement.problem:
        return Finding(Level.ERROR, subject, *_no_frame(device.measurement, device, host.system))
    return _check_measurement(subject, device, device.measurement, host.system)


def _no_permission(device: Device, host: Host) -> tuple[str, str]:
    if host.system != LINUX:
        return "this program has no permission to use it", _PRIVACY_SETTINGS.get(host.system, "")
    if device.group in host.pending_groups:
        detail = f"you joined the group {device.group} after you logged in; log in again"
        return detail, f"newgrp {device.group}"
    detail = f"only the group {device.group} may open it; log in again after the command"
    return detail, f'sudo usermod -aG {device.group} "$USER"'


def _no_frame(measurement: Measurement, device: Device, system: str) -> tuple[str, str]:
    if system in _PRIVACY_SETTINGS:
        return f"{measurement.problem}: no permission, or in use by another program", _PRIVACY_SETTINGS[system]
    return f"{measurement.problem}: another user's program may be using it", f"sudo fuser -v {device.source}"


def _check_measurement(subject: str, device: Device, measurement: Measurement, system: str) -> Finding:
    latency = "" if measurement.latency_ms is None else f", frames {measurement.latency_ms:.0f} ms old"
    detail = (
        f"{measurement.width}×{measurement.height} at {measurement.fps:.1f} fps{latency}, "
        f"first frame after {measurement.first_ms:.0f} ms; {_formats(device)}"
    )
    if measurement.fps >= MIN_FPS:
        return Finding(Level.OK, subject, detail)
    # In poor light many webcams expose for longer than a frame's period.
    remedy = f"v4l2-ctl --device {device.source} --set-ctrl exposure_dynamic_framerate=0" if system == LINUX else ""
    return Finding(Level.WARNING, subject, f"slow, possibly because of poor light: {detail}", remedy)


def _formats(device: Device) -> str:
    if not device.formats:
        return "formats unknown"
    return "offers " + ", ".join(
        f"{offered.code} up to {offered.width}×{offered.height}" + (f" at {offered.fps:g} fps" if offered.fps else "")
        for offered in device.formats
    )


def _holder_names(holders: Sequence[Holder]) -> str:
    return ", ".join(f"{holder.command[:60]} (process {holder.pid})" for holder in holders)
