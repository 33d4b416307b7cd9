from pathlib import Path

import numpy as np
import pytest

from training.data.fer2013 import TRAINING, VALIDATION, DatasetError, Split
from training.data.ferplus import label_probabilities, read_votes, training_targets, with_votes

HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
MIXED = "Training,fer0000000.png,1,2,3,4,5,6,7,0,0,0"


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "fer2013new.csv"
    path.write_text("\r\n".join([HEADER, *lines]) + "\r\n")
    return path


def split(rows: int) -> Split:
    return Split(np.zeros((rows, 48, 48), np.uint8), np.zeros(rows, np.uint8))


def test_votes_are_in_the_order_of_emotions(tmp_path: Path) -> None:
    votes = read_votes(write(tmp_path, MIXED))
    assert votes[TRAINING].dtype == np.float32
    np.testing.assert_allclose(votes[TRAINING] * 28, [[5, 6, 7, 2, 4, 3, 1]], rtol=1e-6)


def test_rows_keep_their_order_within_a_usage(tmp_path: Path) -> None:
    happy, sad = "a.png,0,10,0,0,0,0,0,0,0,0", "b.png,0,0,0,10,0,0,0,0,0,0"
    votes = read_votes(write(tmp_path, f"Training,{sad}", f"PublicTest,{happy}", f"Training,{happy}"))
    assert {usage: rows.argmax(axis=1).tolist() for usage, rows in votes.items()} == {TRAINING: [4, 3], VALIDATION: [3]}


def test_votes_for_other_classes_are_ignored(tmp_path: Path) -> None:
    votes = read_votes(write(tmp_path, "Training,a.png,3,0,0,1,0,0,0,4,2,0"))
    np.testing.assert_allclose(votes[TRAINING], [[0, 0, 0, 0, 0.25, 0, 0.75]])


@pytest.mark.parametrize("counts", ["0,0,0,0,0,0,0,0,0,0", "0,0,0,0,0,0,0,3,3,4"])
def test_a_row_without_votes_for_the_seven_is_zero(tmp_path: Path, counts: str) -> None:
    assert not read_votes(write(tmp_path, f"Training,,{counts}"))[TRAINING].any()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"fer2013new\.csv: No such file"):
        read_votes(tmp_path / "fer2013new.csv")


def test_a_file_with_another_header_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text("emotion,pixels,Usage\n")
    with pytest.raises(DatasetError, match=r"fer2013\.csv, line 1: expected the header Usage,Image name,neutral"):
        read_votes(path)


def test_a_file_without_rows_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no rows after the header"):
        read_votes(write(tmp_path))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("Training,a.png,1,2,3", "expected 12 columns, got 5"),
        ("Training,a.png,1,2,3,4,5,6,7,0,0,", "'' is not a count of votes"),
        ("Training,a.png,1,2,3,4,5,6,-7,0,0,0", "'-7' is not a count of votes"),
        ("Training,a.png,1,2,3,4,5,6,1.5,0,0,0", "'1.5' is not a count of votes"),
        ("Test,a.png,1,2,3,4,5,6,7,0,0,0", "usage 'Test' is not one of Training"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, fault: str) -> None:
    path = write(tmp_path, MIXED, line)
    with pytest.raises(DatasetError) as raised:
        read_votes(path)
    assert str(raised.value).startswith(f"{path}, line 3: {fault}")


def test_select_keeps_the_votes_of_the_rows(tmp_path: Path) -> None:
    path = write(tmp_path, MIXED, "Training,a.png,0,9,0,0,0,0,0,0,0,0")
    kept = with_votes({TRAINING: split(2)}, path)[TRAINING].select(np.array([False, True]))
    assert kept.votes is not None
    assert kept.votes.tolist() == [[0, 0, 0, 1, 0, 0, 0]]


def test_another_number_of_rows_is_rejected(tmp_path: Path) -> None:
    path = write(tmp_path, MIXED)
    with pytest.raises(DatasetError, match="1 rows with usage Training, but the images have 2"):
        with_votes({TRAINING: split(2)}, path)
    with pytest.raises(DatasetError, match="0 rows with usage PublicTest, but the images have 1"):
        with_votes({TRAINING: split(1), VALIDATION: split(1)}, path)


def test_votes_of_a_usage_without_images_are_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, MIXED, "PrivateTest,a.png,0,9,0,0,0,0,0,0,0,0")
    assert set(with_votes({TRAINING: split(1)}, path)) == {TRAINING}


ANGRY, DISGUST, HAPPY = 0, 1, 3


def labelled(labels: list[int], votes: np.ndarray | None = None) -> Split:
    return Split(np.zeros((len(labels), 48, 48), np.uint8), np.array(labels, np.uint8), votes)


def unanimous(emotions: list[int]) -> np.ndarray:
    return np.eye(7, dtype=np.float32)[emotions]


def test_without_smoothing_and_votes_the_target_is_the_label() -> None:
    assert training_targets(labelled([0, 6]), soft_label_weight=0, label_smoothing=0).tolist() == [
        [1, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
    ]


def test_label_smoothing() -> None:
    (row,) = training_targets(labelled([HAPPY]), soft_label_weight=0.5, label_smoothing=0.07)
    assert row == pytest.approx([0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01])


def test_identical_votes_give_the_label_frequencies() -> None:
    """All votes are for anger; two of three faces have that label, one has disgust."""
    labels = [ANGRY, ANGRY, DISGUST] * 40
    probabilities = label_probabilities(unanimous([ANGRY] * 120), np.array(labels, np.uint8))
    assert probabilities[0, [ANGRY, DISGUST]] == pytest.approx([2 / 3, 1 / 3], abs=0.01)
    assert probabilities.sum(axis=1) == pytest.approx(1)


def test_soft_labels_are_mixed_by_their_weight() -> None:
    given = labelled([ANGRY, ANGRY, DISGUST] * 40, unanimous([ANGRY] * 120))
    disgusted = training_targets(given, soft_label_weight=0.5, label_smoothing=0)[2]
    assert disgusted[[ANGRY, DISGUST]] == pytest.approx([1 / 3, 2 / 3], abs=0.01)


def test_rows_without_votes_have_a_target() -> None:
    votes = np.vstack([unanimous([ANGRY, HAPPY]), np.zeros((1, 7), np.float32)])
    rows = training_targets(labelled([ANGRY, HAPPY, HAPPY], votes), soft_label_weight=1, label_smoothing=0)
    assert rows.dtype == np.float32
    assert rows.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_soft_labels_agree_with_gradient_descent() -> None:
    """The expected values were computed by 1,000 steps of gradient descent with momentum, without a penalty."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 7, 400).astype(np.uint8)
    counts = rng.multinomial(10, [0.04] * 7 + [0.72], 400)[:, :7]
    counts[np.arange(400), labels] += rng.integers(0, 6, 400)
    votes = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).astype(np.float32)
    probabilities = label_probabilities(votes, labels)
    expected = [
        [0.0192, 0.0275, 0.0223, 0.6822, 0.0893, 0.1305, 0.0289],
        [0.0043, 0.2236, 0.0271, 0.0186, 0.5801, 0.0090, 0.1373],
    ]
    np.testing.assert_allclose(probabilities[:2], expected, atol=0.015)
