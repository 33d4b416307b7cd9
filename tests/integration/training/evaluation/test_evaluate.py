import json
import shutil
from pathlib import Path

import pytest

from tests.integration.training.conftest import EPOCHS
from tests.support.recipes import changed
from training.data.splits import read_training_data
from training.evaluation.evaluate import evaluate, main, update_card
from training.evaluation.model_card import BEGIN, CONFUSION_MATRIX_FILE, END, RELIABILITY_DIAGRAM_FILE, render_figures
from training.evaluation.schema import Evaluation, SeedVariance
from training.evaluation.seed_variance import main as note_seeds
from training.export import registry
from training.run_dir import RunDir

EMPTY_CARD = f"# Card\n{BEGIN}\n{END}\n"


@pytest.fixture
def folder(models: Path, tmp_path: Path) -> Path:
    """A version alone in a repository of its own, with a card."""
    copy = shutil.copytree(registry.version_dir(models, 1), tmp_path / "model_repo" / "emotion" / "1")
    (tmp_path / "model_repo" / registry.CARD).write_text(EMPTY_CARD)
    return copy


@pytest.fixture
def card(folder: Path) -> Path:
    return folder.parents[1] / registry.CARD


@pytest.fixture(scope="module")
def evaluation(models: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """What is found out about the version, with few faces in scenes."""
    copy = shutil.copytree(registry.version_dir(models, 1), tmp_path_factory.mktemp("models") / "1")
    return evaluate(data, copy, scene_faces=8)


@pytest.fixture
def seeds(data: Path, recipe: Path, tmp_path: Path) -> list[Path]:
    """Three finished runs that differ in their seeds, as far as their notes go."""
    folders = []
    for seed in (1, 2, 3):
        run = RunDir(tmp_path / str(seed))
        path = changed(recipe, tmp_path / f"{seed}.toml", {"seed": seed, "epochs": 1})
        run.create_or_resume(path, read_training_data(data).digests)
        run.append_epoch(0, {"val_accuracy": seed / 4})
        run.mark_finished()
        folders.append(run.path)
    return folders


def test_figures_go_beside_the_model_and_into_the_card(
    data: Path, folder: Path, card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([f"--data={data}", f"--model={folder}"])

    evaluation = Evaluation.model_validate_json(registry.evaluation_path(folder).read_text())
    assert card.read_text() == f"# Card\n{BEGIN}\n{render_figures(evaluation)}\n{END}\n"
    said = capsys.readouterr()
    assert render_figures(evaluation) in said.out
    assert "42 rows with usage PublicTest, but the published file has 3,589" in said.err
    for picture in (CONFUSION_MATRIX_FILE, RELIABILITY_DIAGRAM_FILE):
        assert card.with_name(picture).read_text().startswith("<svg")
    _check(evaluation, folder)


def test_a_recipe_of_another_time_is_named(data: Path, folder: Path) -> None:
    path = registry.manifest_path(folder)
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"recipe": {"a recipe": "of another time"}}))
    with pytest.raises(SystemExit, match=r"evaluate: .*model\.json: "):
        main([f"--data={data}", f"--model={folder}"])


def test_the_part_that_is_written_by_hand_is_asked_for(folder: Path, card: Path, evaluation: Evaluation) -> None:
    assert update_card(folder, evaluation).endswith("its section “Version 1” must be written by hand")
    card.write_text(f"# Card\n\n## Version 1\n\n{BEGIN}\n{END}\n")
    assert update_card(folder, evaluation).endswith("updated the figures in " + str(card))


def test_so_many_faces_as_wanted_go_through_scenes(evaluation: Evaluation) -> None:
    assert [size.faces for size in evaluation.end_to_end] == [8, 8, 8]


def test_a_version_outside_a_repository_has_no_card(folder: Path, evaluation: Evaluation, tmp_path: Path) -> None:
    """Even where a README lies, as in a project's root."""
    elsewhere = shutil.copytree(folder, tmp_path / "project" / "tries" / "7")
    readme = tmp_path / "project" / registry.CARD
    readme.write_text(EMPTY_CARD)
    assert update_card(elsewhere, evaluation).endswith(
        "project is not a model repository with a card: no card was updated"
    )
    assert readme.read_text() == EMPTY_CARD


def test_seeds_go_into_the_evaluation(data: Path, folder: Path, seeds: list[Path]) -> None:
    note_seeds([*map(str, seeds), f"--model={folder}"])
    kept = SeedVariance.model_validate_json(registry.seed_variance_path(folder).read_text())
    assert [run.seed for run in kept.runs] == [1, 2, 3]
    assert kept.differences == {"epochs": "1"}

    assert evaluate(data, folder, scene_faces=8).seed_variance == kept


def test_damaged_seeds_are_named(data: Path, folder: Path) -> None:
    registry.seed_variance_path(folder).write_text('{"runs": []}')
    with pytest.raises(SystemExit, match=r"evaluate: .*seeds\.json"):
        main([f"--data={data}", f"--model={folder}"])


def test_the_card_stays_about_the_highest_version(folder: Path, card: Path, evaluation: Evaluation) -> None:
    folder.with_name("2").mkdir()
    assert update_card(folder, evaluation).endswith("README.md describes a higher version: not updated")
    assert card.read_text() == EMPTY_CARD


def test_a_folder_without_a_model_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"model\.json: No such file .* was the model created by `make export`"):
        main([f"--data={data}", f"--model={tmp_path}"])


def _check(evaluation: Evaluation, folder: Path) -> None:
    """Hold figures of 42 validation faces against one another."""
    assert evaluation.faces == sum(map(sum, evaluation.confusion)) == 42
    assert (evaluation.provenance.training_faces, evaluation.provenance.left_out) == (84, 0)
    assert (evaluation.provenance.epochs, evaluation.provenance.seed) == (EPOCHS, 5)
    assert evaluation.held_out_folds == 10
    assert sum(part.faces for part in evaluation.reliability) == 42
    assert [(size.side_px, size.faces) for size in evaluation.end_to_end] == [(96, 42), (144, 42), (240, 42)]
    assert len(evaluation.robustness) == 15
    assert 0 < evaluation.latency.one_face_ms < evaluation.latency.faces_32_ms
    assert evaluation.seed_variance is None
    assert evaluation.accuracy == sum(evaluation.confusion[label][label] for label in range(7)) / 42
    assert 0 < evaluation.reliable_coverage <= 1
    manifest = registry.ModelManifest.model_validate_json(registry.manifest_path(folder).read_text())
    assert evaluation.threshold == manifest.threshold
