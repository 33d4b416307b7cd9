"""Collects the facts: the gateway's responses, and the cameras of this machine."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import httpx

from emotion_client.cli.doctor.facts import LINUX, MACOS, WINDOWS, Device, Gateway, Host
from emotion_client.cli.doctor.measure import measure_device
from emotion_client.cli.video import has_opencv
from emotion_client.client import EmotionClient
from emotion_client.errors import EmotionError
from emotion_client.transport import is_loopback, redact_url

_TIMEOUT_S = 15
_LIST_COMMANDS = {
    MACOS: ("system_profiler", "-json", "SPCameraDataType"),
    WINDOWS: (
        *("powershell", "-NoProfile", "-NonInteractive", "-Command"),
        "ConvertTo-Json @(Get-CimInstance Win32_PnPEntity -Filter \"PNPClass='Camera' OR PNPClass='Image'\""
        " | ForEach-Object { $_.Name })",
    ),
}


def inspect_gateway(client: EmotionClient, url: str) -> Gateway:
    """Query the gateway."""
    gateway = Gateway(redact_url(url), is_loopback(httpx.URL(url).host))
    try:
        started_s = time.monotonic()
        readiness = client.readiness()
        gateway = replace(gateway, readiness=readiness, response_ms=(time.monotonic() - started_s) * 1e3)
        return replace(gateway, cameras=client.cameras())
    except EmotionError as error:
        return replace(gateway, error=error)


def inspect_host(measure: bool) -> Host:
    """List the cameras of this machine, and open those that are not in use if ``measure`` is set."""
    measure = measure and has_opencv()
    if sys.platform.startswith(LINUX):
        from emotion_client.cli.doctor.linux import linux_devices, pending_groups

        devices = tuple(_with_measurement(device) if measure else device for device in linux_devices())
        return Host(LINUX, has_opencv(), devices, pending_groups())
    devices = tuple(_with_measurement(device) if measure else device for device in listed_devices(sys.platform))
    return Host(sys.platform, has_opencv(), devices)


def _with_measurement(device: Device) -> Device:
    if not device.allowed or device.holders:
        return device
    return replace(device, measurement=measure_device(device.source))


def listed_devices(system: str) -> tuple[Device, ...]:
    """Return the cameras that macOS or Windows lists; OpenCV numbers them in the same order."""
    command = _LIST_COMMANDS.get(system)
    if command is None:
        return ()
    try:
        listing = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    names = parse_macos_listing(listing) if system == MACOS else parse_windows_listing(listing)
    return tuple(Device(name, str(number)) for number, name in enumerate(names))


def parse_macos_listing(listing: bytes) -> Sequence[str]:
    """Return the names in the output of ``system_profiler -json SPCameraDataType``."""
    try:
        return [str(item["_name"]) for item in json.loads(listing)["SPCameraDataType"]]
    except (ValueError, KeyError, TypeError):
        return []


def parse_windows_listing(listing: bytes) -> Sequence[str]:
    """Return the names in PowerShell's JSON list; old versions print a single name without brackets."""
    try:
        names = json.loads(listing)
    except ValueError:
        return []
    return [names] if isinstance(names, str) else [str(name) for name in names or []]
