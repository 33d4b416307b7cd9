"""Where the command ``emotion`` begins."""

import sys
from importlib.util import find_spec

NEEDS = "emotion: the command line needs typer and rich: pip install 'emotion-client[cli]'\n"


def main() -> None:
    """Run the command line, or say what it lacks."""
    if find_spec("typer") is None:  # the library does without it
        sys.stderr.write(NEEDS)
        sys.exit(1)
    from emotion_client.cli.commands import app

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file's name may hold what the terminal can't show
    app(prog_name="emotion")
