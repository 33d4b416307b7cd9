"""The model server's list of models, for a server that runs outside its container."""

from pathlib import Path

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
