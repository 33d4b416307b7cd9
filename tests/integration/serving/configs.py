"""Configuration files as people write them, and models on their way to a server."""

import shutil
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig


def entry(name: str, base: Path, *more: str) -> str:
    rest = "\n    ".join(more)
    return f"""
  config {{
    name: "{name}"
    base_path: "{base}"
    model_platform: "tensorflow"
    {rest}
  }}"""


def model_list(*entries: str) -> str:
    return "model_config_list {" + "".join(entries) + "\n}\n"


def message(text: str) -> ModelServerConfig:
    return text_format.Parse(text, ModelServerConfig())


def specific(*versions: int) -> str:
    return "model_version_policy { specific { " + " ".join(f"versions: {version}" for version in versions) + " } }"


def label(name: str, version: int) -> str:
    return f'version_labels {{ key: "{name}" value: {version} }}'


def replace(path: Path, text: str) -> None:
    """Write a file in one step, as an editor or a mounted ConfigMap does."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def deliver(version: Path, base: Path) -> None:
    """Copy a version so that it appears in one step."""
    base.mkdir(exist_ok=True)
    arriving = base / f"{version.name}.part"
    shutil.copytree(version, arriving)
    arriving.rename(base / version.name)
