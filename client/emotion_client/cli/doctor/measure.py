"""Opens a camera for a moment: ``python -m emotion_client.cli.doctor.measure SOURCE`` prints what came as JSON.

It runs in a process of its own, which may print, hang or crash as cameras' drivers like.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict

from emotion_client.cli.doctor.facts import LINUX, MACOS, WINDOWS, Measured

TIMEOUT_S = 20.0
_FRAMES = 30
_LONGEST_S = 3.0
_PLAUSIBLE_MS = 5000.0


def measured(source: str) -> Measured:
    """Return what came of opening a camera, in a process of its own."""
    command = [sys.executable, "-m", "emotion_client.cli.doctor.measure", source]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
        return Measured(**json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return Measured(f"no picture within {TIMEOUT_S:g} s")
    except (ValueError, TypeError, OSError):
        return Measured("opening it crashed")


def measure(source: str) -> Measured:
    """Open a camera here and take pictures for up to three seconds."""
    import cv2

    backends = {LINUX: cv2.CAP_V4L2, MACOS: cv2.CAP_AVFOUNDATION, WINDOWS: cv2.CAP_DSHOW}
    is_camera = source.isdecimal() or source.startswith("/dev/")
    began_s = time.monotonic()
    camera = cv2.VideoCapture(
        int(source) if source.isdecimal() else source,
        backends.get(sys.platform, cv2.CAP_ANY) if is_camera else cv2.CAP_ANY,
    )
    try:
        if not camera.isOpened():
            return Measured("it can't be opened")
        read, image = camera.read()
        if not read:
            return Measured("it opens and gives no picture")
        first_s = time.monotonic()
        count, latency_ms = 0, None
        while count < _FRAMES and time.monotonic() - first_s < _LONGEST_S and camera.grab():
            count += 1
            latency_ms = latency_of(time.monotonic() * 1e3, camera.get(cv2.CAP_PROP_POS_MSEC))
        fps = count / max(1e-6, time.monotonic() - first_s)
        height, width = image.shape[:2]
        return Measured("", width, height, fps, (first_s - began_s) * 1e3, latency_ms)
    finally:
        camera.release()


def latency_of(now_ms: float, stamped_ms: float) -> float | None:
    """Return how old a picture is, if its stamp is of the same clock, as V4L2's are."""
    age_ms = now_ms - stamped_ms
    return age_ms if 0 <= age_ms < _PLAUSIBLE_MS and stamped_ms > 0 else None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(measure(sys.argv[1]))))
