import io
from pathlib import Path

import pytest
from rich.console import Console

from training.io import atomic_directory, progress, write_atomic


def test_progress_yields_every_item() -> None:
    assert list(progress([3, 1, 2], "work", Console(file=io.StringIO()))) == [3, 1, 2]


def test_a_log_gets_one_line_of_progress() -> None:
    log = io.StringIO()
    list(progress(range(500), "work", Console(file=log, width=80)))
    assert log.getvalue().startswith("work ")
    assert "100%" in log.getvalue()
    assert log.getvalue().count("\n") == 1


def test_write_atomic_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    for text in ("first", "second"):
        write_atomic(path, text)
    assert path.read_text() == "second"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_atomic_directory_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with atomic_directory(tmp_path / "target") as partial:
            (partial / "file").write_text("half")
            raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_an_atomic_directory_appears_at_the_end(tmp_path: Path) -> None:
    with atomic_directory(tmp_path / "target") as partial:
        (partial / "file").write_text("whole")
        assert not (tmp_path / "target").exists()
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["file"]
