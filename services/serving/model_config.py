"""Which models are served, from where, and which of their versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_serving.config.file_system_storage_path_source_pb2 import FileSystemStoragePathSourceConfig
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig as ModelConfigMessage
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from services.serving.errors import InvalidArgumentError
from services.serving.text_config import read_text_config
from services.serving.version_policy import ALL_VERSIONS, NEWEST_VERSION, VersionPolicy

PLATFORM = "tensorflow"
_TENSORFLOW_TYPE = 1


@dataclass(frozen=True)
class ModelConfig:
    """One model.

    Attributes:
        name: The name that requests use.
        base_path: The folder that holds one folder for each version.
        policy: Which versions are served.
        labels: Names of versions.
    """

    name: str
    base_path: Path
    policy: VersionPolicy = NEWEST_VERSION
    labels: Mapping[str, int] = field(default_factory=dict)


def read_model_configs(path: Path) -> tuple[ModelConfig, ...]:
    """Read the file that lists the models.

    Raises:
        InvalidArgumentError: It can't be read or used.
    """
    return to_model_configs(read_text_config(path, ModelServerConfig()))


def to_model_configs(message: ModelServerConfig) -> tuple[ModelConfig, ...]:
    """Return the models that a configuration lists.

    Raises:
        InvalidArgumentError: It lists them in a way that can't be used.
    """
    if message.WhichOneof("config") == "custom_model_config":
        raise InvalidArgumentError("ModelServer does not yet support custom model config.")
    configs = tuple(_to_model_config(entry) for entry in message.model_config_list.config)
    seen: set[str] = set()
    for config in configs:
        if config.name in seen:
            raise InvalidArgumentError(f"Illegal to list model {config.name} multiple times in config list")
        seen.add(config.name)
    return configs


def _to_model_config(entry: ModelConfigMessage) -> ModelConfig:
    if not entry.name:
        raise InvalidArgumentError("A model in the config list has no name")
    _check_platform(entry)
    base_path = Path(entry.base_path)
    if not base_path.is_absolute() or "\0" in entry.base_path:
        raise InvalidArgumentError(
            f"Expected model {entry.name} to have an absolute path or URI; got base_path()={entry.base_path}"
        )
    return ModelConfig(entry.name, base_path, _to_policy(entry), dict(entry.version_labels))


def _check_platform(entry: ModelConfigMessage) -> None:
    if entry.model_platform and entry.model_type:
        raise InvalidArgumentError("Illegal setting both model_type(deprecated) and model_platform.")
    if not entry.model_platform and not entry.model_type:
        raise InvalidArgumentError("Illegal setting neither model_type(deprecated) nor model_platform.")
    if entry.model_platform not in ("", PLATFORM) or entry.model_type not in (0, _TENSORFLOW_TYPE):
        told = entry.model_platform or "other"
        raise InvalidArgumentError(f"Model {entry.name} has platform {told}; only {PLATFORM} is supported.")


def _to_policy(entry: ModelConfigMessage) -> VersionPolicy:
    policy: FileSystemStoragePathSourceConfig.ServableVersionPolicy = entry.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return ALL_VERSIONS
    if kind == "specific":
        if not policy.specific.versions:
            raise InvalidArgumentError(f"Model {entry.name} has a specific version policy that lists no version")
        return VersionPolicy(specific=frozenset(policy.specific.versions))
    # As in the original, a number that isn't set stands for the newest version alone.
    return VersionPolicy(latest=max(policy.latest.num_versions, 1))
