"""The output of native libraries is discarded; the output of Python is printed."""

import subprocess
import sys

SCRIPT = """
import os, sys
from services.capture.opencv_environment import silence_native_output
silence_native_output()
for descriptor in (1, 2):
    os.write(descriptor, b"native\\n")
os.system("echo native; echo native >&2")
print("out")
print("err", file=sys.stderr)
raise ValueError("last words")
"""


def test_only_the_output_of_python_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "out\n"
    assert done.stderr.startswith("err\nTraceback")
    assert done.stderr.endswith("ValueError: last words\n")
    assert "native" not in done.stdout + done.stderr.replace("services.capture.opencv_environment", "")
