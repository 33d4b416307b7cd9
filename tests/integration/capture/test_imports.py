"""Imports of a new capture process."""

import subprocess
import sys


def test_opencv_is_imported_after_its_environment_is_set_and_no_other_service_is() -> None:
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
