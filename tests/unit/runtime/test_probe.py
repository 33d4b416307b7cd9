"""What the health check keeps count of, and which processes it may end."""

from pathlib import Path

import pytest

from services.runtime.probe import Outcome, record, service_processes, starved_s


def add_process(proc: Path, pid: int, name: str, parent: int) -> None:
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n")
    (folder / "stat").write_text(f"{pid} ({name}) S {parent} {pid} {pid} 0 -1 4194560 1200 0")


def test_the_children_of_a_containers_init_are_the_service(tmp_path: Path) -> None:
    add_process(tmp_path, 1, "docker-init", 0)
    add_process(tmp_path, 7, "python) S 0 (x", 1)  # a name may look like the rest of the line
    add_process(tmp_path, 9, "worker", 7)
    add_process(tmp_path, 30, "python", 0)  # started by `docker exec`, as the check itself
    (tmp_path / "sys").mkdir()
    (tmp_path / "44").mkdir()  # has just ended
    assert service_processes(tmp_path) == [7]


@pytest.mark.parametrize("name", ["systemd", "python", "bash", "launchd"])
def test_without_a_containers_init_there_is_nothing_to_end(tmp_path: Path, name: str) -> None:
    add_process(tmp_path, 1, name, 0)
    add_process(tmp_path, 7, "python", 1)
    assert service_processes(tmp_path) == []


def test_without_proc_there_is_nothing_to_end(tmp_path: Path) -> None:
    assert service_processes(tmp_path / "missing") == []
    assert starved_s(tmp_path / "missing") == 0


def test_checks_in_a_row_are_counted_and_timed(tmp_path: Path) -> None:
    outcomes: tuple[Outcome, ...] = ("silent", "silent", "silent", "ready", "silent", "closed", "closed")
    found = [record(outcome, tmp_path / "record", float(at)) for at, outcome in enumerate(outcomes)]
    assert found == [(1, 0), (2, 0), (3, 0), (1, 3), (1, 4), (1, 5), (2, 5)]


@pytest.mark.parametrize("text", ["", "silent", "silent x 0", "silent 2 x", "silent 2 0 0", "\0"])
def test_a_record_that_cannot_be_read_begins_again(tmp_path: Path, text: str) -> None:
    (tmp_path / "record").write_text(text)
    assert record("silent", tmp_path / "record", 7.0) == (1, 7.0)
    assert record("silent", tmp_path / "record", 8.0) == (2, 7.0)


def test_the_wait_for_a_processor_is_in_seconds(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "schedstat").write_text("48000000 1500000000 12\n")
    assert starved_s(tmp_path) == 1.5
