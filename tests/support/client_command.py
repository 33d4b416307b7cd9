"""Runs the ``emotion`` command as a subprocess."""

import os
import subprocess
import sys
from collections.abc import Mapping

from tests.support.processes import ROOT

EMOTION = (sys.executable, "-m", "emotion_client")


def environment(**settings: str) -> Mapping[str, str]:
    """Return the environment without the product's variables except those given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_")}
    return {**clean, "PYTHONPATH": f"{ROOT / 'client'}{os.pathsep}{ROOT}", **settings}


def emotion(*arguments: str, url: str = "", stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command and wait for its end."""
    settings = environment(**({"EMOTION_URL": url} if url else {}))
    return subprocess.run(
        [*EMOTION, *arguments], input=stdin, capture_output=True, env=settings, check=False, timeout=60
    )
