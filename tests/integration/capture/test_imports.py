"""What a fresh capture process loads."""

import subprocess
import sys


def test_nothing_heavy_is_imported_and_opencv_only_after_its_environment_is_set() -> None:
    script = """
import sys
import services.capture.__main__
assert "cv2" not in sys.modules
import services.capture.app, services.capture.sources.factory, services.capture.redis_publisher
assert "cv2" in sys.modules
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not set(done.stdout.split()) & {"tensorflow", "keras", "grpc", "services.gateway", "services.detector"}
