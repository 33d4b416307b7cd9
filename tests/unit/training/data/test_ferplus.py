from pathlib import Path

import numpy as np
import pytest

from training.data.fer2013 import TRAINING, VALIDATION, DatasetError, Split
from training.data.ferplus import label_chances, read_votes, targets, with_votes

HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
MIXED = "Training,fer0000000.png,1,2,3,4,5,6,7,0,0,0"


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "fer2013new.csv"
    path.write_text("\r\n".join([HEADER, *lines]) + "\r\n")
    return path


def split(rows: int) -> Split:
    return Split(np.zeros((rows, 48, 48), np.uint8), np.zeros(rows, np.uint8))


def test_votes_come_in_our_order(tmp_path: Path) -> None:
    votes = read_votes(write(tmp_path, MIXED))
    assert votes[TRAINING].dtype == np.float32
    np.testing.assert_allclose(votes[TRAINING] * 28, [[5, 6, 7, 2, 4, 3, 1]], rtol=1e-6)


def test_rows_keep_their_order_within_a_usage(tmp_path: Path) -> None:
    happy, sad = "a.png,0,10,0,0,0,0,0,0,0,0", "b.png,0,0,0,10,0,0,0,0,0,0"
    votes = read_votes(write(tmp_path, f"Training,{sad}", f"PublicTest,{happy}", f"Training,{happy}"))
    assert {usage: rows.argmax(axis=1).tolist() for usage, rows in votes.items()} == {TRAINING: [4, 3], VALIDATION: [3]}


def test_votes_for_what_we_do_not_answer_are_left_out(tmp_path: Path) -> None:
    votes = read_votes(write(tmp_path, "Training,a.png,3,0,0,1,0,0,0,4,2,0"))
    np.testing.assert_allclose(votes[TRAINING], [[0, 0, 0, 0, 0.25, 0, 0.75]])


@pytest.mark.parametrize("counts", ["0,0,0,0,0,0,0,0,0,0", "0,0,0,0,0,0,0,3,3,4"])
def test_a_row_without_votes_for_the_seven_is_zero(tmp_path: Path, counts: str) -> None:
    assert not read_votes(write(tmp_path, f"Training,,{counts}"))[TRAINING].any()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"fer2013new\.csv: No such file"):
        read_votes(tmp_path / "fer2013new.csv")


def test_another_file_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text("emotion,pixels,Usage\n")
    with pytest.raises(DatasetError, match=r"fer2013\.csv, line 1: expected the header Usage,Image name,neutral"):
        read_votes(path)


def test_a_header_alone_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no rows after the header"):
        read_votes(write(tmp_path))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("Training,a.png,1,2,3", "expected 12 columns, got 5"),
        ("Training,a.png,1,2,3,4,5,6,7,0,0,", "'' is no count of votes"),
        ("Training,a.png,1,2,3,4,5,6,-7,0,0,0", "'-7' is no count of votes"),
        ("Training,a.png,1,2,3,4,5,6,1.5,0,0,0", "'1.5' is no count of votes"),
        ("Test,a.png,1,2,3,4,5,6,7,0,0,0", "usage 'Test' is not one of Training"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, fault: str) -> None:
    path = write(tmp_path, MIXED, line)
    with pytest.raises(DatasetError) as raised:
        read_votes(path)
    assert str(raised.value).startswith(f"{path}, line 3: {fault}")


def test_votes_follow_the_rows_that_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path, MIXED, "Training,a.png,0,9,0,0,0,0,0,0,0,0")
    kept = with_votes({TRAINING: split(2)}, path)[TRAINING].select(np.array([False, True]))
    assert kept.votes is not None
    assert kept.votes.tolist() == [[0, 0, 0, 1, 0, 0, 0]]


def test_votes_about_other_images_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, MIXED)
    with pytest.raises(DatasetError, match="1 rows with usage Training, where the images have 2"):
        with_votes({TRAINING: split(2)}, path)
    with pytest.raises(DatasetError, match="0 rows with usage PublicTest, where the images have 1"):
        with_votes({TRAINING: split(1), VALIDATION: split(1)}, path)


def test_a_usage_without_images_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, MIXED, "PrivateTest,a.png,0,9,0,0,0,0,0,0,0,0")
    assert set(with_votes({TRAINING: split(1)}, path)) == {TRAINING}


ANGRY, DISGUST, HAPPY = 0, 1, 3


def split_test_targets(labels: list[int], votes: np.ndarray | None = None) -> Split:
    return Split(np.zeros((len(labels), 48, 48), np.uint8), np.array(labels, np.uint8), votes)


def unanimous(emotions: list[int]) -> np.ndarray:
    return np.eye(7, dtype=np.float32)[emotions]


def test_without_smoothing_and_votes_the_label_is_all() -> None:
    assert targets(split_test_targets([0, 6]), vote_weight=0, label_smoothing=0).tolist() == [
        [1, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
    ]


def test_smoothing_spreads_its_share() -> None:
    (row,) = targets(split_test_targets([HAPPY]), vote_weight=0.5, label_smoothing=0.07)
    assert row == pytest.approx([0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01])


def test_a_vote_counts_as_the_labels_it_goes_with() -> None:
    """People voted anger for all; two of three faces are labelled so, one disgust."""
    labels = [ANGRY, ANGRY, DISGUST] * 40
    chances = label_chances(unanimous([ANGRY] * 120), np.array(labels, np.uint8))
    assert chances[0, [ANGRY, DISGUST]] == pytest.approx([2 / 3, 1 / 3], abs=0.01)
    assert chances.sum(axis=1) == pytest.approx(1)


def test_votes_temper_the_label_by_their_weight() -> None:
    given = split_test_targets([ANGRY, ANGRY, DISGUST] * 40, unanimous([ANGRY] * 120))
    disgusted = targets(given, vote_weight=0.5, label_smoothing=0)[2]
    assert disgusted[[ANGRY, DISGUST]] == pytest.approx([1 / 3, 2 / 3], abs=0.01)


def test_rows_that_nobody_voted_on_still_have_a_target() -> None:
    votes = np.vstack([unanimous([ANGRY, HAPPY]), np.zeros((1, 7), np.float32)])
    rows = targets(split_test_targets([ANGRY, HAPPY, HAPPY], votes), vote_weight=1, label_smoothing=0)
    assert rows.dtype == np.float32
    assert rows.sum(axis=1) == pytest.approx(1, abs=1e-5)
