"""Judges the cameras of this machine."""

from emotion_client.cli.doctor.facts import LINUX, MACOS, WINDOWS, Device, Holder, Host, Measured
from emotion_client.cli.doctor.findings import Finding, Level
from emotion_client.cli.video import NEEDS_OPENCV

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
