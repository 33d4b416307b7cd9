"""What a ``HandleReloadConfigRequest`` may change.

Models are programs: whoever chooses the folder that a model is loaded from chooses code that the server runs. The
request arrives on the port that answers Predict, so it is refused unless a flag allows it, and even then it may name
only folders that the operator's configuration named.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from services.serving.errors import PermissionDeniedError
from services.serving.model_config import ModelConfig


@dataclass(frozen=True)
class ReloadPolicy:
    """Attributes:
    allowed: Whether the request is answered at all.
    folders: The base paths of the configuration that the server started with.
    """

    allowed: bool
    folders: tuple[Path, ...]

    def check_allowed(self) -> None:
        """Raise PermissionDeniedError where the request is turned off."""
        if not self.allowed:
            raise PermissionDeniedError(
                "HandleReloadConfigRequest is turned off on this server; --allow_reload_config_request allows it."
            )

    def check_folders(self, configs: Iterable[ModelConfig]) -> None:
        """Raise PermissionDeniedError unless every base path lies in a folder of the first configuration.

        Symbolic links are followed, so this looks at the file system.
        """
        roots = {_real(folder) for folder in self.folders}
        for config in configs:
            if ".." in config.base_path.parts or not _is_within(_real(config.base_path), roots):
                raise PermissionDeniedError(
                    f"The base path of model {config.name} is outside the folders that the server was started with"
                )


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is_within(path: Path, roots: Iterable[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)
