from pathlib import Path

import pytest

from tests.support import fer2013
from training.data.fer2013 import TEST, TRAINING, VALIDATION, DatasetError
from training.data.ferplus import find_votes
from training.data.splits import read_training_data

ROWS = [*fer2013.patterns(TRAINING, 2, seed=1), *fer2013.patterns(VALIDATION, 1, seed=2)]
VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return fer2013.write(tmp_path / "fer2013.csv", ROWS)


def write_votes(path: Path, first: int, later: tuple[str, ...] = ()) -> Path:
    """Write votes about the rows, ``first`` of them about the first one, and further rows."""
    rows = [f"{TRAINING},fer.png,{first if number == 0 else 3},0,0,0,0,0,0,0,0,0" for number in range(14)]
    path.write_text("\n".join([VOTES, *rows, *[f"{VALIDATION},fer.png,1,0,0,0,0,0,0,0,0,0"] * 7, *later]) + "\n")
    return path


def test_the_last_split_doesnt_change_the_digests(data: Path, tmp_path: Path) -> None:
    whole = fer2013.write(tmp_path / "whole.csv", [*ROWS, *fer2013.patterns(TEST, 1, seed=3)])
    assert read_training_data(whole).digests == read_training_data(data).digests


def test_line_endings_dont_change_the_digests(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "crlf.csv"
    other.write_bytes(data.read_bytes().replace(b"\n", b"\r\n"))
    assert read_training_data(other).digests == read_training_data(data).digests


@pytest.mark.parametrize("usage", [TRAINING, VALIDATION])
@pytest.mark.parametrize("change", [("0,", "1,"), (" ", " 1")], ids=["label", "pixel"])
def test_labels_and_pixels_change_the_data_digest(
    data: Path, tmp_path: Path, usage: str, change: tuple[str, str]
) -> None:
    number = next(number for number, row in enumerate(ROWS) if row.startswith("0,") and row.endswith(usage))
    rows = [row.replace(*change, 1) if at == number else row for at, row in enumerate(ROWS)]
    assert rows != ROWS
    other = fer2013.write(tmp_path / "other.csv", rows)
    assert read_training_data(other).digests.data != read_training_data(data).digests.data


def test_votes_change_the_votes_digest_only(data: Path, tmp_path: Path) -> None:
    votes = write_votes(tmp_path / "fer2013new.csv", first=5)
    assert find_votes(data) == votes
    digests = read_training_data(data, votes).digests
    assert digests.data == read_training_data(data).digests.data
    # Only the distribution matters, so the count may differ if a row has votes for one emotion only.
    assert digests.votes == read_training_data(data, write_votes(tmp_path / "more.csv", first=6)).digests.votes
    assert digests.votes != read_training_data(data, write_votes(tmp_path / "none.csv", first=0)).digests.votes
    assert read_training_data(data).digests.votes is None


def test_a_file_without_validation_rows_is_an_error(tmp_path: Path) -> None:
    path = fer2013.write(tmp_path / "half.csv", fer2013.patterns(TRAINING, 1, seed=1))
    with pytest.raises(DatasetError, match=r"half\.csv: no rows with usage PublicTest"):
        read_training_data(path)
