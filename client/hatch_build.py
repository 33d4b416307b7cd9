"""Puts the contracts that the client shares with the services into its packages, under a name of its own.

In the repository they are ``services.contracts``. A wheel that installed a package called ``services`` would get in the
way of everybody's own, so there they are ``emotion_client.contracts``.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = "services.contracts"
THERE = "emotion_client.contracts"
CONTRACTS = (
    "__init__",
    "cameras",
    "emotions",
    "frames",
    "geometry",
    "live",
    "messages",
    "model",
    "prediction",
    "problems",
    "text",
)
"""Those that the client reads; none needs numpy."""

_IMPORT = re.compile(rf"^(\s*(?:from|import)\s+){re.escape(HERE)}\b", re.MULTILINE)


def renamed(code: str) -> str:
    """Return a module's text with its imports of contracts as they are in the wheel."""
    return _IMPORT.sub(rf"\g<1>{THERE}", code)


def contracts_folder(root: Path) -> Path:
    """Return where the contracts are: copied into a source distribution, else in the repository."""
    copied = root / "contracts"
    return copied if copied.is_dir() else root.parent / "services" / "contracts"


class ContractsHook(BuildHookInterface[Any]):
    """Called by hatchling for both kinds of package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files and their places.

        Raises:
            RuntimeError: An editable installation is asked for, which can't rename anything.
        """
        if version == "editable":
            raise RuntimeError("The client can't be installed as editable; add the folder client/ to PYTHONPATH")
        root = Path(self.root)
        contracts = {contracts_folder(root) / f"{name}.py": f"contracts/{name}.py" for name in CONTRACTS}
        if self.target_name == "sdist":
            build_data["force_include"].update({str(path): place for path, place in contracts.items()})
            return
        # Removed when the hook is, after the wheel is written.
        self._folder = tempfile.TemporaryDirectory()
        own = {
            path: path.relative_to(root / "emotion_client").as_posix()
            for path in (root / "emotion_client").rglob("*.py")
        }
        build_data["force_include"][str(root / "emotion_client" / "py.typed")] = "emotion_client/py.typed"
        for path, place in {**own, **contracts}.items():
            written = Path(self._folder.name, place)
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(renamed(path.read_text("utf-8")), "utf-8")
            build_data["force_include"][str(written)] = f"emotion_client/{place}"
