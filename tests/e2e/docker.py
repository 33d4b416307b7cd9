"""The ``docker`` command line."""

import subprocess
from typing import Any

from pydantic import TypeAdapter

_OBJECTS = TypeAdapter(list[dict[str, Any]])


def docker(*arguments: str) -> str:
    """Run a command and return its output; fail with its standard error."""
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"docker {' '.join(arguments)}: {result.stderr}"
    return result.stdout.strip()


def try_docker(*arguments: str) -> bool:
    """Run a command and return whether it succeeded."""
    return subprocess.run(["docker", *arguments], capture_output=True, check=False).returncode == 0


def inspect(name: str) -> dict[str, Any]:
    """Return Docker's data about a container or an image."""
    (found,) = _OBJECTS.validate_json(docker("inspect", name))
    return found


def logs(name: str) -> str:
    """Return the output of a container, of both streams."""
    return subprocess.run(
        ["docker", "logs", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    ).stdout


def run_in_image(image: str, *command: str) -> str:
    """Run a command in a new container as the image's user, and return its output."""
    return docker("run", "--rm", "--network=none", f"--entrypoint={command[0]}", image, *command[1:])
