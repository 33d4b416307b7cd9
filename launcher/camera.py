"""Chooses the camera of ``make run``: the one that was asked for, else the webcam, else the demo feed."""

import subprocess
import sys
from pathlib import Path

DEMO = "demo"
WEBCAM = "0"
_PROBE_TIMEOUT_S = 15


def choose_camera(asked: str) -> str:
    """Return a source as capture understands it.

    Args:
        asked: What the user named; empty for no wish.
    """
    if asked:
        return asked
    return WEBCAM if _webcam_delivers() else DEMO


def _webcam_delivers() -> bool:
    """Try the first webcam in a process of its own, which may print, hang or crash as it likes."""
    if sys.platform.startswith("linux") and not any(Path("/dev").glob("video*")):
        return False
    probe = [sys.executable, "-m", "services.capture.probe", WEBCAM]
    try:
        return subprocess.run(probe, capture_output=True, timeout=_PROBE_TIMEOUT_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
