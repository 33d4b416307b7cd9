"""What software made a network: revision of this code, versions of the libraries."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

_LIBRARIES = ("keras", "numpy", "opencv-python-headless", "tensorflow-cpu", "tensorflow", "jax", "jaxlib", "torch")


def revision() -> str | None:
    """Return the git revision of this code, or None where it isn't in a git checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def libraries() -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide what comes out of training and export."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            continue
    return found
