from pathlib import Path

import numpy as np
import pytest

from services.contracts.emotions import EMOTIONS
from tests.support import fer2013
from tests.support.fer2013 import HEADER, pattern, row
from training.data.fer2013 import (
    PUBLISHED_ROWS,
    TRAINING,
    VALIDATION,
    DatasetError,
    Split,
    check_published,
    deduplicated_training,
    image_digest,
    leaked_hashes,
    read_splits,
    require_usage,
    without_duplicates,
)

RNG_SEED = 3


@pytest.fixture
def good_row() -> str:
    return row(3, pattern(3, np.random.default_rng(RNG_SEED)), TRAINING)


def test_rows_are_read_by_usage(tmp_path: Path) -> None:
    image = pattern(5, np.random.default_rng(RNG_SEED))
    path = fer2013.write(tmp_path / "fer2013.csv", [row(5, image, TRAINING), row(0, image, VALIDATION)])

    splits = read_splits(path)

    assert set(splits) == {TRAINING, VALIDATION}
    assert splits[TRAINING].labels.tolist() == [5]
    assert splits[TRAINING].images.dtype == np.uint8
    np.testing.assert_array_equal(splits[TRAINING].images, image[np.newaxis])


def test_emotions_are_in_the_order_of_the_labels() -> None:
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"absent\.csv: No such file"):
        read_splits(tmp_path / "absent.csv")


def test_a_wrong_header_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "icml.csv"
    path.write_text("emotion, Usage, pixels\n")
    with pytest.raises(DatasetError, match=r"icml\.csv, line 1: expected the header emotion,pixels,Usage, got"):
        read_splits(path)


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("")
    with pytest.raises(DatasetError, match=r"empty\.csv, line 1: expected the header"):
        read_splits(path)


def test_a_file_without_rows_is_an_error(tmp_path: Path) -> None:
    path = fer2013.write(tmp_path / "bare.csv", [])
    with pytest.raises(DatasetError, match=r"bare\.csv: no rows after the header"):
        read_splits(path)


def test_a_compressed_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_bytes(bytes([0x1F, 0x8B, 0x08, 0x00, 0xFF, 0xFE]) * 50)
    with pytest.raises(DatasetError, match=r"fer2013\.csv: not a text file"):
        read_splits(path)


def test_an_invalid_byte_is_reported_with_its_line(tmp_path: Path, good_row: str) -> None:
    path = fer2013.write(tmp_path / "fer2013.csv", [good_row] * 9)
    content = bytearray(path.read_bytes())
    content[path.read_bytes().index(b"\n", 5 * len(good_row)) + 9] = 0xFF
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"fer2013\.csv, line 7: byte 0xff is not UTF-8 \(is the file damaged"):
        read_splits(path)


@pytest.mark.parametrize("lost", [3, 12, 400, 6_000])
def test_a_truncated_last_line_is_an_error(tmp_path: Path, good_row: str, lost: int) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(f"{HEADER}\n{good_row}\n{good_row[:-lost]}")
    with pytest.raises(DatasetError, match=r"fer2013\.csv, line 3: .*truncated"):
        read_splits(path)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("3,", "7,", "emotion '7' is not one of 0, 1, 2, 3, 4, 5, 6"),
        ("3,", "happy,", "emotion 'happy' is not one of"),
        ("Training", "Train", "usage 'Train' is not one of Training, PublicTest, PrivateTest"),
        (",Training", " 7,Training", "expected 2304 pixels, got 2305"),
        (",Training", "1000,Training", "a pixel is not a whole number in 0..255"),
        (",Training", ".5,Training", "a pixel is not a whole number in 0..255"),
        (",Training", ",Training,x", "expected 3 columns, got 4"),
    ],
)
def test_a_malformed_line_is_reported_with_its_number(
    tmp_path: Path, good_row: str, old: str, new: str, fault: str
) -> None:
    path = fer2013.write(tmp_path / "fer2013.csv", [good_row, good_row.replace(old, new, 1)])
    with pytest.raises(DatasetError) as raised:
        read_splits(path)
    assert str(raised.value).startswith(f"{path}, line 3: {fault}")


def test_a_line_without_pixels_is_an_error(tmp_path: Path) -> None:
    path = fer2013.write(tmp_path / "fer2013.csv", ["3,,Training"])
    with pytest.raises(DatasetError, match="line 2: expected 2304 pixels, got 0"):
        read_splits(path)


def test_a_missing_usage_is_an_error(tmp_path: Path, good_row: str) -> None:
    path = fer2013.write(tmp_path / "fer2013.csv", [good_row])
    with pytest.raises(DatasetError, match=r"fer2013\.csv: no rows with usage PublicTest"):
        require_usage(read_splits(path), VALIDATION, path)


def test_another_number_of_rows_gives_a_warning(tmp_path: Path, good_row: str) -> None:
    path = fer2013.write(tmp_path / "fer2013.csv", [good_row] * 3)
    assert check_published(read_splits(path)) == ["3 rows with usage Training, but the published file has 28,709"]


def test_the_published_number_of_rows_gives_no_warning() -> None:
    rows = PUBLISHED_ROWS[VALIDATION]
    published = Split(np.zeros((rows, 1, 1), np.uint8), np.zeros(rows, np.uint8))
    assert check_published({VALIDATION: published}) == []


def test_training_images_of_a_later_split_are_left_out() -> None:
    rng = np.random.default_rng(RNG_SEED)
    images = np.stack([pattern(label, rng) for label in range(7)])
    training = Split(images, np.arange(7, dtype=np.uint8))
    later = Split(images[2:3], np.array([6], np.uint8))

    kept = without_duplicates(training, later)

    assert kept.labels.tolist() == [0, 1, 3, 4, 5, 6]


def test_deduplication_returns_the_number_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(RNG_SEED)
    first, second = pattern(1, rng), pattern(2, rng)
    path = tmp_path / "fer2013.csv"
    splits = {
        TRAINING: Split(np.stack([first, second]), np.array([1, 2], np.uint8)),
        VALIDATION: Split(first[np.newaxis], np.array([1], np.uint8)),
    }

    kept, left_out = deduplicated_training(splits, path)

    assert (kept.labels.tolist(), left_out) == ([2], 1)
    with pytest.raises(DatasetError, match=r"fer2013\.csv: every Training row is also in a later split"):
        deduplicated_training({TRAINING: splits[VALIDATION], VALIDATION: splits[VALIDATION]}, path)


def test_an_empty_split_has_no_duplicates() -> None:
    empty = Split(np.empty((0, 48, 48), np.uint8), np.empty(0, np.uint8))
    assert len(without_duplicates(empty)) == 0


def test_leaked_hashes_are_digests() -> None:
    digests = leaked_hashes()
    assert digests
    assert {len(digest) for digest in digests} == {len(image_digest(np.zeros((48, 48), np.uint8)))}
