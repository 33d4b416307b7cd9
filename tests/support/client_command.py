"""Runs the command ``emotion`` as a shell would."""

import os
import subprocess
import sys
from collections.abc import Mapping

from tests.support.processes import ROOT

EMOTION = (sys.executable, "-m", "emotion_client")


def environment(**settings: str) -> Mapping[str, str]:
    """Return the environment, with no settings of ours but those given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_")}
    return {**clean, "PYTHONPATH": f"{ROOT / 'client'}{os.pathsep}{ROOT}", **settings}


def emotion(*arguments: str, url: str = "", stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run it to its end."""
    settings = environment(**({"EMOTION_URL": url} if url else {}))
    return subprocess.run(
        [*EMOTION, *arguments], input=stdin, capture_output=True, env=settings, check=False, timeout=60
    )
