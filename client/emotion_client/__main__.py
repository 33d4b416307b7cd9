"""Where the command ``emotion`` begins."""

import sys
import traceback
from importlib.util import find_spec

NEEDS = "emotion: the command line needs typer and rich: pip install 'emotion-client[cli]'\n"


def main() -> None:
    """Run the command line, or say what it lacks."""
    if find_spec("typer") is None:  # the library does without it
        sys.stderr.write(NEEDS)
        sys.exit(1)
    from emotion_client.cli.app import app
    from services.contracts.text import printable

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file's name may hold what the terminal can't show
    try:
        app(prog_name="emotion")
    except Exception:  # its text may come from anywhere, and goes to a terminal
        for line in traceback.format_exc().splitlines():
            sys.stderr.write(printable(line) + "\n")
        sys.exit(1)
