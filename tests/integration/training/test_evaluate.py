import shutil
from pathlib import Path

import pytest

from training import repository
from training.card import BEGIN, END, figures
from training.evaluate import main
from training.report import Evaluation

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


def test_figures_go_beside_the_model_and_into_the_card(
    data: Path, folder: Path, card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([f"--data={data}", f"--model={folder}"])

    evaluation = Evaluation.model_validate_json(repository.evaluation_paper(folder).read_text())
    assert card.read_text() == f"# Card\n{BEGIN}\n{figures(evaluation)}\n{END}\n"
    assert figures(evaluation) in capsys.readouterr().out
    _check(evaluation, folder)


def test_the_card_stays_about_the_highest_version(data: Path, folder: Path, card: Path) -> None:
    folder.with_name("2").mkdir()
    main([f"--data={data}", f"--model={folder}"])
    assert card.read_text() == EMPTY_CARD


def test_a_folder_without_a_model_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no SavedModel"):
        main([f"--data={data}", f"--model={tmp_path}"])


def _check(evaluation: Evaluation, folder: Path) -> None:
    """Hold figures of 42 validation faces against one another."""
    assert evaluation.faces == sum(map(sum, evaluation.confusion)) == 42
    assert (evaluation.training_faces, evaluation.left_out) == (84, 0)
    assert evaluation.accuracy == sum(evaluation.confusion[label][label] for label in range(7)) / 42
    assert evaluation.reliable_accuracy is not None
    assert evaluation.reliable_accuracy >= 0.85
    paper = repository.ModelPaper.model_validate_json(repository.model_paper(folder).read_text())
    assert (evaluation.threshold, evaluation.data_sha256) == (paper.threshold, paper.data_sha256)
