"""Which folders a reload may name."""

from pathlib import Path

import pytest

from services.serving.errors import PermissionDeniedError
from services.serving.model_config import ModelConfig
from services.serving.reload_policy import ReloadPolicy


def test_it_is_refused_unless_it_is_allowed() -> None:
    with pytest.raises(PermissionDeniedError, match="--allow_reload_config_request"):
        ReloadPolicy(False, ()).check_allowed()
    ReloadPolicy(True, ()).check_allowed()


def test_only_folders_of_the_start_may_be_named(tmp_path: Path) -> None:
    inside, outside = tmp_path / "models", tmp_path / "modelsevil"
    inside.mkdir()
    outside.mkdir()
    (tmp_path / "alias").symlink_to(inside)
    (inside / "out").symlink_to(outside)
    policy = ReloadPolicy(True, (tmp_path / "alias",))
    for allowed in (inside, inside / "sub", tmp_path / "alias"):
        policy.check_folders([ModelConfig("m", allowed)])
    for refused in (outside, inside / "out", tmp_path, Path("/"), inside / ".." / "models"):
        with pytest.raises(PermissionDeniedError, match="model m is outside"):
            policy.check_folders([ModelConfig("fine", inside), ModelConfig("m", refused)])


def test_without_folders_nothing_may_be_named() -> None:
    with pytest.raises(PermissionDeniedError):
        ReloadPolicy(True, ()).check_folders([ModelConfig("m", Path("/models"))])
