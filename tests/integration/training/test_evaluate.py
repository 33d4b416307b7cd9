import json
import shutil
from pathlib import Path

import pytest

from tests.recipes import changed
from training import repository
from training.card import BEGIN, CONFUSION_PICTURE, END, RELIABILITY_PICTURE, figures
from training.evaluate import evaluate, main
from training.figures import SeedFigures
from training.report import Evaluation
from training.seeds import main as note_seeds
from training.train import train

EMPTY_CARD = f"# Card\n{BEGIN}\n{END}\n"


@pytest.fixture
def folder(models: Path, tmp_path: Path) -> Path:
    """A version alone in a repository of its own, with a card."""
    copy = shutil.copytree(repository.version_folder(models, 1), tmp_path / "model_repo" / "emotion" / "1")
    (tmp_path / "model_repo" / repository.CARD).write_text(EMPTY_CARD)
    return copy


@pytest.fixture
def card(folder: Path) -> Path:
    return folder.parents[1] / repository.CARD


@pytest.fixture(scope="module")
def seeds(data: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three short runs that differ in their seeds."""
    base = tmp_path_factory.mktemp("seeds")
    folders = []
    for seed in (1, 2, 3):
        path = changed(recipe, base / f"{seed}.toml", {"seed": seed, "epochs": 1})
        folders.append(base / str(seed))
        train(data, path, folders[-1])
    return folders


def test_figures_go_beside_the_model_and_into_the_card(
    data: Path, folder: Path, card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([f"--data={data}", f"--model={folder}"])

    evaluation = Evaluation.model_validate_json(repository.evaluation_paper(folder).read_text())
    assert card.read_text() == f"# Card\n{BEGIN}\n{figures(evaluation)}\n{END}\n"
    assert figures(evaluation) in capsys.readouterr().out
    for picture in (CONFUSION_PICTURE, RELIABILITY_PICTURE):
        assert card.with_name(picture).read_text().startswith("<svg")
    _check(evaluation, folder)


def test_a_version_from_before_calibration_is_evaluated_as_it_is_served(data: Path, folder: Path) -> None:
    path = repository.model_paper(folder)
    paper = json.loads(path.read_text())
    for later in ("calibration", "validation"):
        del paper[later]
    paper["recipe"] = {"a recipe": "of another time"}
    path.write_text(json.dumps(paper))

    evaluation = evaluate(data, folder, scene_faces=8)

    assert evaluation.held_out_folds is None
    assert [size.faces for size in evaluation.whole_way] == [8, 8, 8]


def test_seeds_go_into_the_card(
    data: Path, folder: Path, seeds: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    note_seeds([*map(str, seeds), f"--model={folder}"])
    kept = SeedFigures.model_validate_json(repository.seeds_paper(folder).read_text())
    assert [run.seed for run in kept.runs] == [1, 2, 3]
    assert kept.differences == {"epochs": "1"}

    main([f"--data={data}", f"--model={folder}", "--scene-faces=8"])
    assert "| accuracy over 3 seeds | " in capsys.readouterr().out


def test_damaged_seeds_are_named(data: Path, folder: Path) -> None:
    repository.seeds_paper(folder).write_text('{"runs": []}')
    with pytest.raises(SystemExit, match=r"evaluate: .*seeds\.json"):
        main([f"--data={data}", f"--model={folder}"])


def test_the_card_stays_about_the_highest_version(data: Path, folder: Path, card: Path) -> None:
    folder.with_name("2").mkdir()
    main([f"--data={data}", f"--model={folder}", "--scene-faces=8"])
    assert card.read_text() == EMPTY_CARD


def test_a_folder_without_a_model_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"model\.json: No such file .* was the model made by `make export`"):
        main([f"--data={data}", f"--model={tmp_path}"])


def _check(evaluation: Evaluation, folder: Path) -> None:
    """Hold figures of 42 validation faces against one another."""
    assert evaluation.faces == sum(map(sum, evaluation.confusion)) == 42
    assert (evaluation.training_faces, evaluation.left_out) == (84, 0)
    assert evaluation.held_out_folds == 10
    assert sum(part.faces for part in evaluation.reliability) == 42
    assert [(size.side_px, size.faces) for size in evaluation.whole_way] == [(96, 42), (144, 42), (240, 42)]
    assert len(evaluation.robustness) == 15
    assert 0 < evaluation.speed.one_face_ms < evaluation.speed.faces_32_ms
    assert evaluation.seeds is None
    assert evaluation.accuracy == sum(evaluation.confusion[label][label] for label in range(7)) / 42
    assert 0 < evaluation.reliable_coverage <= 1
    paper = repository.ModelPaper.model_validate_json(repository.model_paper(folder).read_text())
    assert (evaluation.threshold, evaluation.data_sha256) == (paper.threshold, paper.data_sha256)
