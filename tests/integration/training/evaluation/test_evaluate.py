import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.training.conftest import EPOCHS
from tests.support.recipes import changed
from training.data.splits import read_training_data
from training.evaluation.evaluate import main, update_card
from training.evaluation.model_card import BEGIN, CONFUSION_MATRIX_FILE, END, RELIABILITY_DIAGRAM_FILE, render_figures
from training.evaluation.schema import Evaluation, SeedVariance
from training.evaluation.seed_variance import main as record_seed_variance
from training.export import registry
from training.run_dir import RunDir

EMPTY_CARD = f"# Card\n{BEGIN}\n{END}\n"
SCENE_FACES = 8


@dataclass(frozen=True)
class Evaluated:
    """A version in its own repository, after the commands of a user.

    Attributes:
        version: Its directory.
        out: Standard output of the evaluation.
        err: Its standard error.
    """

    version: Path
    out: str
    err: str

    @property
    def card(self) -> Path:
        return self.version.parents[1] / registry.CARD

    @property
    def evaluation(self) -> Evaluation:
        return Evaluation.model_validate_json(registry.evaluation_path(self.version).read_text())


def copy_version(models: Path, repository: Path) -> Path:
    """Copy the version into a repository of its own, with an empty card."""
    version = shutil.copytree(registry.version_dir(models, 1), repository / "emotion" / "1")
    (repository / registry.CARD).write_text(EMPTY_CARD)
    return version


@pytest.fixture
def version(models: Path, tmp_path: Path) -> Path:
    return copy_version(models, tmp_path / "model_repo")


@pytest.fixture(scope="module")
def evaluated(models: Path, data: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """The version, evaluated with recorded seed variance and few faces in scenes."""
    root = tmp_path_factory.mktemp("evaluated")
    version = copy_version(models, root / "model_repo")
    seeds = [finished_run(data, recipe, root, seed) for seed in (1, 2, 3)]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        record_seed_variance([*map(str, seeds), f"--model={version}"])
        main([f"--data={data}", f"--model={version}", f"--scene-faces={SCENE_FACES}"])
    return Evaluated(version, out.getvalue(), err.getvalue())


def finished_run(data: Path, recipe: Path, root: Path, seed: int) -> Path:
    """Write the files of a finished run, without a checkpoint."""
    run = RunDir(root / str(seed))
    run.create_or_resume(
        changed(recipe, root / f"{seed}.toml", {"seed": seed, "epochs": 1}), read_training_data(data).digests
    )
    run.append_epoch(0, {"val_accuracy": seed / 4})
    run.mark_finished()
    return run.path


def test_figures_are_printed_and_written_to_the_card(evaluated: Evaluated) -> None:
    figures = render_figures(evaluated.evaluation)
    assert evaluated.card.read_text() == f"# Card\n{BEGIN}\n{figures}\n{END}\n"
    assert figures in evaluated.out
    assert "42 rows with usage PublicTest, but the published file has 3,589" in evaluated.err
    for name in (CONFUSION_MATRIX_FILE, RELIABILITY_DIAGRAM_FILE):
        assert evaluated.card.with_name(name).read_text().startswith("<svg")


def test_figures_are_consistent(evaluated: Evaluated) -> None:
    """The split has 42 validation faces."""
    evaluation = evaluated.evaluation
    assert evaluation.faces == sum(map(sum, evaluation.confusion)) == 42
    assert (evaluation.provenance.training_faces, evaluation.provenance.left_out) == (84, 0)
    assert (evaluation.provenance.epochs, evaluation.provenance.seed) == (EPOCHS, 5)
    assert evaluation.held_out_folds == 10
    assert sum(part.faces for part in evaluation.reliability) == 42
    assert [(size.side_px, size.faces) for size in evaluation.end_to_end] == [
        (96, SCENE_FACES),
        (144, SCENE_FACES),
        (240, SCENE_FACES),
    ]
    assert len(evaluation.robustness) == 15
    assert 0 < evaluation.latency.one_face_ms < evaluation.latency.faces_32_ms
    assert evaluation.accuracy == sum(evaluation.confusion[label][label] for label in range(7)) / 42
    assert 0 < evaluation.reliable_coverage <= 1
    assert evaluation.threshold == registry.read_manifest(evaluated.version).threshold


def test_seed_variance_is_part_of_the_evaluation(evaluated: Evaluated) -> None:
    recorded = SeedVariance.model_validate_json(registry.seed_variance_path(evaluated.version).read_text())
    assert [run.seed for run in recorded.runs] == [1, 2, 3]
    assert recorded.differences == {"epochs": "1"}
    assert evaluated.evaluation.seed_variance == recorded


def test_damaged_seed_variance_is_an_error(data: Path, version: Path) -> None:
    registry.seed_variance_path(version).write_text('{"runs": []}')
    with pytest.raises(SystemExit, match=r"evaluate: .*seeds\.json"):
        main([f"--data={data}", f"--model={version}"])


def test_a_recipe_with_unknown_keys_is_an_error(data: Path, version: Path) -> None:
    path = registry.manifest_path(version)
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"recipe": {"unknown": "key"}}))
    with pytest.raises(SystemExit, match=r"evaluate: .*model\.json: "):
        main([f"--data={data}", f"--model={version}"])


def test_a_directory_without_a_model_is_an_error(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"model\.json: No such file .* was the model created by `make export`"):
        main([f"--data={data}", f"--model={tmp_path}"])


def test_a_missing_section_of_the_version_is_reported(version: Path, evaluated: Evaluated) -> None:
    card = version.parents[1] / registry.CARD
    assert update_card(version, evaluated.evaluation).endswith("its section “Version 1” must be written by hand")
    card.write_text(f"# Card\n\n## Version 1\n\n{BEGIN}\n{END}\n")
    assert update_card(version, evaluated.evaluation).endswith("updated the figures in " + str(card))


def test_a_version_outside_a_repository_has_no_card(version: Path, evaluated: Evaluated, tmp_path: Path) -> None:
    """Even if its grandparent directory has a README, such as the root of a project."""
    elsewhere = shutil.copytree(version, tmp_path / "project" / "tries" / "7")
    readme = tmp_path / "project" / registry.CARD
    readme.write_text(EMPTY_CARD)
    message = update_card(elsewhere, evaluated.evaluation)
    assert message.endswith("project is not a model repository with a card: no card was updated")
    assert readme.read_text() == EMPTY_CARD


def test_only_the_highest_version_updates_the_card(version: Path, evaluated: Evaluated) -> None:
    version.with_name("2").mkdir()
    message = update_card(version, evaluated.evaluation)
    assert message.endswith("README.md describes a higher version: not updated")
    assert (version.parents[1] / registry.CARD).read_text() == EMPTY_CARD
