"""The model server's list of models, for a server that runs outside its container."""

from pathlib import Path
from urllib.parse import quote

MOUNTED_AT = "/models/"
"""Where the container has ``model_repo``."""


def write_model_config(repository: Path, target: Path) -> None:
    """Write ``models.config`` with the folders as they are named here, not in the container.

    Args:
        repository: The folder ``model_repo``.
        target: The file to write; its folder is made.

    Raises:
        OSError: A file can't be read or written.
    """
    text = (repository / "models.config").read_text()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text.replace(f'"{MOUNTED_AT}', f'"{_escaped(repository)}/'))


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def serving_socket(folder: Path) -> Path:
    """Return the socket's path in a folder of the launcher's."""
    return folder / "serving.sock"


def serving_target(folder: Path) -> str:
    """Return the same as the gateway takes it."""
    return f"unix://{quote(str(serving_socket(folder)))}"
