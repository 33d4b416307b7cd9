"""Gathers the cameras of macOS and Windows, as their own tools list them; OpenCV counts them in this order."""

import json
import subprocess
from collections.abc import Sequence

from emotion_client.cli.doctor.facts import MACOS, WINDOWS, Device

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
