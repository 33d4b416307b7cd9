from pathlib import Path

import pytest

from services.serving.versions import NoVersionError, find_versions, stamp


def put(base: Path, name: str, file: str = "saved_model.pb") -> Path:
    folder = base / name
    folder.mkdir()
    (folder / file).touch()
    return folder


def test_versions_are_numbers(tmp_path: Path) -> None:
    put(tmp_path, "9")
    put(tmp_path, "0010")
    assert find_versions(tmp_path) == {9: tmp_path / "9", 10: tmp_path / "0010"}


def test_folders_that_are_no_versions_are_ignored(tmp_path: Path) -> None:
    put(tmp_path, "1")
    put(tmp_path, "2", "saved_model.pb.part")
    put(tmp_path, "latest")
    put(tmp_path, "-3")
    put(tmp_path, "٣")
    put(tmp_path, str(1 << 63))
    (tmp_path / "4").touch()
    assert find_versions(tmp_path) == {1: tmp_path / "1"}


def test_empty_folder_has_no_version_and_unreadable_folder_is_reported(tmp_path: Path) -> None:
    assert find_versions(tmp_path) == {}
    with pytest.raises(NoVersionError, match=r"nowhere can't be read: No such file or directory"):
        find_versions(tmp_path / "nowhere")


def test_fingerprint_changes_with_every_file(tmp_path: Path) -> None:
    folder = put(tmp_path, "1")
    first = stamp(folder)
    assert stamp(folder) == first
    (folder / "variables").mkdir()
    (folder / "variables" / "data").write_bytes(b"1")
    second = stamp(folder)
    (folder / "variables" / "data").write_bytes(b"12")
    assert len({first, second, stamp(folder)}) == 3
    assert stamp(tmp_path / "nowhere") == frozenset()
