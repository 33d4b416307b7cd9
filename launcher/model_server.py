"""Configuration of the model server that ``make run`` starts: its list of models and its gRPC socket."""

from pathlib import Path
from urllib.parse import quote

CONTAINER_FOLDER = "/models/"
"""The folder at which the container mounts ``model_repo``."""


def write_model_config(repository: Path, target: Path) -> None:
    """Write ``models.config`` with the folders of this machine in place of the container's.

    Args:
        repository: The folder ``model_repo``.
        target: The file to write; its folder is created.

    Raises:
        OSError: A file can't be read or written.
    """
    text = (repository / "models.config").read_text()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text.replace(f'"{CONTAINER_FOLDER}', f'"{_escape(repository)}/'))


def _escape(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def serving_socket(folder: Path) -> Path:
    """Return the path of the gRPC socket. Unlike a port, other users and web pages can't reach it."""
    return folder / "serving.sock"


def serving_target(folder: Path) -> str:
    """Return the gRPC target of the socket for the gateway."""
    return f"unix://{quote(str(serving_socket(folder)))}"
