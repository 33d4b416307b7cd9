"""Gathers the facts: this machine's cameras, and what the gateway says."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import httpx

from emotion_client.cli.doctor.facts import LINUX, MACOS, WINDOWS, Device, Gateway, Host
from emotion_client.cli.doctor.measure import measured
from emotion_client.cli.video import has_opencv
from emotion_client.client import EmotionClient
from emotion_client.errors import EmotionError
from emotion_client.transport import is_this_machine, shown_url

_TIMEOUT_S = 15
_LISTING = {
    MACOS: ("system_profiler", "-json", "SPCameraDataType"),
    WINDOWS: (
        *("powershell", "-NoProfile", "-NonInteractive", "-Command"),
        "ConvertTo-Json @(Get-CimInstance Win32_PnPEntity -Filter \"PNPClass='Camera' OR PNPClass='Image'\""
        " | ForEach-Object { $_.Name })",
    ),
}


def listed_devices(system: str) -> tuple[Device, ...]:
    """Return the cameras; none where the system's tool fails."""
    command = _LISTING.get(system)
    if command is None:
        return ()
    try:
        listing = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    names = names_of_macos(listing) if system == MACOS else names_of_windows(listing)
    return tuple(Device(name, str(number)) for number, name in enumerate(names))


def names_of_macos(listing: bytes) -> Sequence[str]:
    """Read what ``system_profiler -json SPCameraDataType`` prints."""
    try:
        return [str(item["_name"]) for item in json.loads(listing)["SPCameraDataType"]]
    except (ValueError, KeyError, TypeError):
        return []


def names_of_windows(listing: bytes) -> Sequence[str]:
    """Read the JSON list that PowerShell prints; older ones print a single name without brackets."""
    try:
        names = json.loads(listing)
    except ValueError:
        return []
    return [names] if isinstance(names, str) else [str(name) for name in names or []]


def gather_host(measure: bool) -> Host:
    """Look at this machine, and open each camera that nobody uses if that is wanted."""
    measure = measure and has_opencv()
    if sys.platform.startswith(LINUX):
        from emotion_client.cli.doctor.linux import joined_groups, linux_devices

        devices = tuple(_measured(device) if measure else device for device in linux_devices())
        return Host(LINUX, has_opencv(), devices, joined_groups())
    devices = tuple(_measured(device) if measure else device for device in listed_devices(sys.platform))
    return Host(sys.platform, has_opencv(), devices)


def gather_gateway(client: EmotionClient, url: str) -> Gateway:
    """Ask the gateway."""
    gateway = Gateway(shown_url(url), is_this_machine(httpx.URL(url).host))
    try:
        began_s = time.monotonic()
        readiness = client.readiness()
        gateway = replace(gateway, readiness=readiness, answer_ms=(time.monotonic() - began_s) * 1e3)
        return replace(gateway, cameras=client.cameras())
    except EmotionError as error:
        return replace(gateway, error=error)


def _measured(device: Device) -> Device:
    if not device.allowed or device.holders:
        return device
    return replace(device, measured=measured(device.source))
