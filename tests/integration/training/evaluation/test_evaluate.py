import json
import shutil
from pathlib import Path

import pytest

from tests.integration.training.conftest import EPOCHS
from tests.support.recipes import changed
from training.data.splits import read_training_data
from training.evaluation.evaluate import evaluate, main, update_card
from training.evaluation.model_card import BEGIN, CONFUSION_PICTURE, END, RELIABILITY_PICTURE, figures
from training.evaluation.schema import Evaluation, SeedFigures
from training.evaluation.seed_variance import main as note_seeds
from training.export import registry
from training.run_dir import RunFolder

EMPTY_CARD = f"# Card\n{BEGIN}\n{END}\n"


@pytest.fixture
def folder(models: Path, tmp_path: Path) -> Path:
    """A version alone in a repository of its own, with a card."""
    copy = shutil.copytree(registry.version_folder(models, 1), tmp_path / "model_repo" / "emotion" / "1")
    (tmp_path / "model_repo" / registry.CARD).write_text(EMPTY_CARD)
    return copy


@pytest.fixture
def card(folder: Path) -> Path:
    return folder.parents[1] / registry.CARD


@pytest.fixture(scope="module")
def evaluation(models: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """What is found out about the version, with few faces in scenes."""
    copy = shutil.copytree(registry.version_folder(models, 1), tmp_path_factory.mktemp("models") / "1")
    return evaluate(data, copy, scene_faces=8)


@pytest.fixture
def seeds(data: Path, recipe: Path, tmp_path: Path) -> list[Path]:
    """Three finished runs that differ in their seeds, as far as their notes go."""
    folders = []
    for seed in (1, 2, 3):
        run = RunFolder(tmp_path / str(seed))
        path = changed(recipe, tmp_path / f"{seed}.toml", {"seed": seed, "epochs": 1})
        run.claim(path, read_training_data(data).digests)
        run.append_epoch(0, {"val_accuracy": seed / 4})
        run.finish()
        folders.append(run.path)
    return folders


def test_figures_go_beside_the_model_and_into_the_card(
    data: Path, folder: Path, card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([f"--data={data}", f"--model={folder}"])

    evaluation = Evaluation.model_validate_json(registry.evaluation_paper(folder).read_text())
    assert card.read_text() == f"# Card\n{BEGIN}\n{figures(evaluation)}\n{END}\n"
    said = capsys.readouterr()
    assert figures(evaluation) in said.out
    assert "42 rows with usage PublicTest, where the published file has 3,589" in said.err
    for picture in (CONFUSION_PICTURE, RELIABILITY_PICTURE):
        assert card.with_name(picture).read_text().startswith("<svg")
    _check(evaluation, folder)


def test_a_recipe_of_another_time_is_named(data: Path, folder: Path) -> None:
    path = registry.model_paper(folder)
    paper = json.loads(path.read_text())
    path.write_text(json.dumps(paper | {"recipe": {"a recipe": "of another time"}}))
    with pytest.raises(SystemExit, match=r"evaluate: .*model\.json: "):
        main([f"--data={data}", f"--model={folder}"])


def test_the_part_that_is_written_by_hand_is_asked_for(folder: Path, card: Path, evaluation: Evaluation) -> None:
    assert update_card(folder, evaluation).endswith("its part “Version 1” is to be written by hand")
    card.write_text(f"# Card\n\n## Version 1\n\n{BEGIN}\n{END}\n")
    assert update_card(folder, evaluation).endswith("rewrote the figures in " + str(card))


def test_so_many_faces_as_wanted_go_through_scenes(evaluation: Evaluation) -> None:
    assert [size.faces for size in evaluation.whole_way] == [8, 8, 8]


def test_a_version_outside_a_repository_has_no_card(folder: Path, evaluation: Evaluation, tmp_path: Path) -> None:
    """Even where a README lies, as in a project's root."""
    elsewhere = shutil.copytree(folder, tmp_path / "project" / "tries" / "7")
    readme = tmp_path / "project" / registry.CARD
    readme.write_text(EMPTY_CARD)
    assert update_card(elsewhere, evaluation).endswith("project is no repository with a card: no card was rewritten")
    assert readme.read_text() == EMPTY_CARD


def test_seeds_go_into_the_evaluation(data: Path, folder: Path, seeds: list[Path]) -> None:
    note_seeds([*map(str, seeds), f"--model={folder}"])
    kept = SeedFigures.model_validate_json(registry.seeds_paper(folder).read_text())
    assert [run.seed for run in kept.runs] == [1, 2, 3]
    assert kept.differences == {"epochs": "1"}

    assert evaluate(data, folder, scene_faces=8).seeds == kept


def test_damaged_seeds_are_named(data: Path, folder: Path) -> None:
    registry.seeds_paper(folder).write_text('{"runs": []}')
    with pytest.raises(SystemExit, match=r"evaluate: .*seeds\.json"):
        main([f"--data={data}", f"--model={folder}"])


def test_the_card_stays_about_the_highest_version(folder: Path, card: Path, evaluation: Evaluation) -> None:
    folder.with_name("2").mkdir()
    assert update_card(folder, evaluation).endswith("README.md is about a higher version: left as it is")
    assert card.read_text() == EMPTY_CARD


def test_a_folder_without_a_model_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"model\.json: No such file .* was the model made by `make export`"):
        main([f"--data={data}", f"--model={tmp_path}"])


def _check(evaluation: Evaluation, folder: Path) -> None:
    """Hold figures of 42 validation faces against one another."""
    assert evaluation.faces == sum(map(sum, evaluation.confusion)) == 42
    assert (evaluation.provenance.training_faces, evaluation.provenance.left_out) == (84, 0)
    assert (evaluation.provenance.epochs, evaluation.provenance.seed) == (EPOCHS, 5)
    assert evaluation.held_out_folds == 10
    assert sum(part.faces for part in evaluation.reliability) == 42
    assert [(size.side_px, size.faces) for size in evaluation.whole_way] == [(96, 42), (144, 42), (240, 42)]
    assert len(evaluation.robustness) == 15
    assert 0 < evaluation.speed.one_face_ms < evaluation.speed.faces_32_ms
    assert evaluation.seeds is None
    assert evaluation.accuracy == sum(evaluation.confusion[label][label] for label in range(7)) / 42
    assert 0 < evaluation.reliable_coverage <= 1
    paper = registry.ModelPaper.model_validate_json(registry.model_paper(folder).read_text())
    assert evaluation.threshold == paper.threshold
