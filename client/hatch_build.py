"""Copies the contracts that the client shares with the services into its packages.

In the repository they are ``services.contracts``. A wheel must not install a top-level package ``services``, so in the
wheel they are ``emotion_client.contracts``.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

REPOSITORY_PACKAGE = "services.contracts"
WHEEL_PACKAGE = "emotion_client.contracts"
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
    "video",
)
"""Modules that the client imports; none needs numpy."""

_IMPORT = re.compile(rf"^(\s*(?:from|import)\s+){re.escape(REPOSITORY_PACKAGE)}\b", re.MULTILINE)


def renamed(code: str) -> str:
    """Return the source of a module with its imports of contracts renamed for the wheel."""
    return _IMPORT.sub(rf"\g<1>{WHEEL_PACKAGE}", code)


def contracts_folder(root: Path) -> Path:
    """Return the folder of the contracts: in a source distribution, or else in the repository."""
    copied = root / "contracts"
    return copied if copied.is_dir() else root.parent / "services" / "contracts"


class ContractsHook(BuildHookInterface[Any]):
    """The build hook of the wheel and of the source distribution."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to the package.

        Raises:
            RuntimeError: The installation is editable, which can't rename imports.
        """
        if version == "editable":
            raise RuntimeError("The client can't be installed as editable; add the folder client/ to PYTHONPATH")
        root = Path(self.root)
        contracts = {contracts_folder(root) / f"{name}.py": f"contracts/{name}.py" for name in CONTRACTS}
        if self.target_name == "sdist":
            build_data["force_include"].update({str(path): place for path, place in contracts.items()})
            return
        # Removed together with the hook, after the wheel is written.
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
