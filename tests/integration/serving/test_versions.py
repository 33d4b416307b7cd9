from pathlib import Path

import pytest

from services.serving.versions import NoVersionError, newest_version


def put(base: Path, name: str, file: str = "saved_model.pb") -> Path:
    folder = base / name
    folder.mkdir()
    (folder / file).touch()
    return folder


def test_numbers_are_compared_as_numbers(tmp_path: Path) -> None:
    put(tmp_path, "9")
    assert newest_version(tmp_path) == (9, tmp_path / "9")
    put(tmp_path, "0010")
    assert newest_version(tmp_path) == (10, tmp_path / "0010")


def test_what_is_no_version_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "1")
    put(tmp_path, "2", "saved_model.pb.part")
    put(tmp_path, "latest")
    put(tmp_path, "-3")
    put(tmp_path, "٣")
    put(tmp_path, str(1 << 63))
    (tmp_path / "4").touch()
    assert newest_version(tmp_path) == (1, tmp_path / "1")


def test_nothing_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoVersionError, match="No numbered folder with a saved_model"):
        newest_version(tmp_path)
    with pytest.raises(NoVersionError, match=r"nowhere can't be read: No such file or directory"):
        newest_version(tmp_path / "nowhere")
