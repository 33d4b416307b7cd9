"""Opens a camera for a moment: ``python -m emotion_client.cli.doctor.measure SOURCE`` prints a measurement as JSON.

It runs in its own process, because camera drivers may print, hang or crash.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict

from emotion_client.cli.doctor.facts import LINUX, MACOS, WINDOWS, Measurement

TIMEOUT_S = 20.0
_MAX_FRAMES = 30
_MAX_SECONDS = 3.0
_MAX_LATENCY_MS = 5000.0


def measure_device(source: str) -> Measurement:
    """Measure a camera in its own process."""
    command = [sys.executable, "-m", "emotion_client.cli.doctor.measure", source]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
        return Measurement(**json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return Measurement(f"no frame within {TIMEOUT_S:g} s")
    except (ValueError, TypeError, OSError):
        return Measurement("the driver crashed when it was opened")


def measure(source: str) -> Measurement:
    """Open a camera and read frames for up to three seconds."""
    import cv2

    backends = {LINUX: cv2.CAP_V4L2, MACOS: cv2.CAP_AVFOUNDATION, WINDOWS: cv2.CAP_DSHOW}
    is_camera = source.isdecimal() or source.startswith("/dev/")
    opened_s = time.monotonic()
    camera = cv2.VideoCapture(
        int(source) if source.isdecimal() else source,
        backends.get(sys.platform, cv2.CAP_ANY) if is_camera else cv2.CAP_ANY,
    )
    try:
        if not camera.isOpened():
            return Measurement("it can't be opened")
        read, image = camera.read()
        if not read:
            return Measurement("it opens but delivers no frame")
        first_s = time.monotonic()
        count, latency_ms = 0, None
        while count < _MAX_FRAMES and time.monotonic() - first_s < _MAX_SECONDS and camera.grab():
            count += 1
            latency_ms = latency_of(time.monotonic() * 1e3, camera.get(cv2.CAP_PROP_POS_MSEC))
        fps = count / max(1e-6, time.monotonic() - first_s)
        height, width = image.shape[:2]
        return Measurement("", width, height, fps, (first_s - opened_s) * 1e3, latency_ms)
    finally:
        camera.release()


def latency_of(now_ms: float, timestamp_ms: float) -> float | None:
    """Return the age of a frame; None if its timestamp isn't of the monotonic clock, as those of V4L2 are."""
    age_ms = now_ms - timestamp_ms
    return age_ms if 0 <= age_ms < _MAX_LATENCY_MS and timestamp_ms > 0 else None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(measure(sys.argv[1]))))
