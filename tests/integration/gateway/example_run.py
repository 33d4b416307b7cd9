"""Runs an example of a page of documentation."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.markdown import Example
from tests.support.waiting import DEFAULT_TIMEOUT_S

COMMANDS = {"sh": ["sh", "-eu", "-c"], "python": [sys.executable, "-W", "error", "-c"]}


def run(example: Example, source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run an example's code, with the addresses in it put right, and no proxy in its environment."""
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return subprocess.run(
        [*COMMANDS[example.language], source],
        capture_output=True,
        check=False,
        cwd=folder,
        env=environment,
        text=True,
        timeout=DEFAULT_TIMEOUT_S,
    )
