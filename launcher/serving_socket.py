"""Where the model server's gRPC is: a Unix socket, which no other user and no web page reaches."""

from pathlib import Path
from urllib.parse import quote


def serving_socket(folder: Path) -> Path:
    """Return the socket's path in a folder of the launcher's."""
    return folder / "serving.sock"


def serving_target(folder: Path) -> str:
    """Return the same as the gateway takes it."""
    return f"unix://{quote(str(serving_socket(folder)))}"
