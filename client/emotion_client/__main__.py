"""The entry point of the command ``emotion``; also ``python -m emotion_client``."""

import sys
import traceback
from importlib.util import find_spec

INSTALL_CLI = "emotion: the command line needs the packages typer and rich: pip install 'emotion-client[cli]'\n"


def main() -> None:
    """Run the command line."""
    if find_spec("typer") is None:  # the library works without it
        sys.stderr.write(INSTALL_CLI)
        sys.exit(1)
    from emotion_client.cli.app import app
    from services.contracts.text import escape_controls

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # file names may have characters that the terminal lacks
    try:
        app(prog_name="emotion")
    except Exception:  # its text may come from a server or a file, and is printed in a terminal
        for line in traceback.format_exc().splitlines():
            sys.stderr.write(escape_controls(line) + "\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
