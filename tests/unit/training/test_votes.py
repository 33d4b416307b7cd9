from pathlib import Path

import numpy as np
import pytest

from training.dataset import TRAINING, VALIDATION, DatasetError, Split
from training.votes import read_votes, with_votes

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
