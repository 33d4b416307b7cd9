import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from training.data.splits import read_training_data
from training.export import registry
from training.export.registry import ModelError
from training.import_run import import_run, main
from training.models.weights import load_trained_network
from training.run_dir import RunDir, RunError
from training.train import train

ROOT = Path(__file__).parents[3]


def test_an_imported_version_is_a_finished_run(data: Path, finished_run: Path, models: Path, tmp_path: Path) -> None:
    run = import_run(registry.version_dir(models, 1), tmp_path / "run")
    before = RunDir(finished_run)
    assert run.recipe() == before.recipe()
    run.require_finished()
    run.require_data(read_training_data(data).digests)
    networks = [load_trained_network(source.checkpoint, source.recipe()) for source in (run, before)]
    for weights, expected in zip(*(network.get_weights() for network in networks), strict=True):
        np.testing.assert_array_equal(weights, expected)


def test_the_served_version_can_be_imported(tmp_path: Path) -> None:
    """Its recipe was recorded with earlier names of the keys."""
    version = registry.latest_version_dir(ROOT / registry.DEFAULT_REPOSITORY)
    run = import_run(version, tmp_path / "run")
    assert run.recipe() == registry.recorded_recipe(version, registry.read_manifest(version))
    load_trained_network(run.checkpoint, run.recipe())


def test_an_imported_run_cant_be_resumed(data: Path, recipe: Path, models: Path, tmp_path: Path) -> None:
    import_run(registry.version_dir(models, 1), tmp_path / "run")
    with pytest.raises(RunError, match=r"can't be resumed: use it as INIT_FROM"):
        train(data, recipe, tmp_path / "run")


def test_an_existing_directory_is_not_overwritten(models: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(SystemExit, match=r"^import-run: .*run exists; choose another directory$"):
        main([f"--model={registry.version_dir(models, 1)}", f"--out={tmp_path / 'run'}"])


def test_weights_that_dont_fit_the_recipe_are_rejected(models: Path, tmp_path: Path) -> None:
    version = shutil.copytree(registry.version_dir(models, 1), tmp_path / "7")
    manifest = registry.manifest_path(version)
    content = json.loads(manifest.read_text())
    content["recipe"]["network"]["convolutions"] = [1, 1, 3]
    manifest.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="don't fit the network of its recipe"):
        import_run(version, tmp_path / "run")
    assert not (tmp_path / "run").exists()
