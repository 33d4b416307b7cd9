"""What the health check keeps count of, and which processes it may end."""

from pathlib import Path

import pytest

from services.runtime.probe import (
    Outcome,
    Record,
    add_check,
    is_stuck,
    read_record,
    service_processes,
    starved_s,
    write_record,
)


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


def checks(*outcomes: Outcome, times: int = 1, every_s: float = 10.0) -> Record:
    """Return the record of checks at this interval from 0 s on, the last outcome so many times."""
    record = None
    for number, outcome in enumerate((*outcomes, *outcomes[-1:] * (times - 1))):
        record = add_check(record, outcome, number * every_s)
    assert record is not None
    return record


def test_checks_in_a_row_are_counted_and_timed() -> None:
    assert checks("silent") == ("silent", 1, 0, False)
    assert checks("silent", "silent", "silent") == ("silent", 3, 0, False)
    assert checks("closed", "unready", "silent", "silent") == ("silent", 2, 20, True)
    assert checks("ready", "silent", "ready") == ("ready", 1, 20, True)


def test_a_service_that_stopped_answering_is_stuck() -> None:
    assert not is_stuck(checks("ready", "silent", "silent"), 3, 20)
    assert is_stuck(checks("ready", "silent", "silent", "silent"), 3, 30)
    assert is_stuck(checks("unready", "silent", "silent", "silent"), 3, 30)


def test_an_answer_begins_the_count_again() -> None:
    assert not is_stuck(checks("ready", "silent", "silent", "unready", "silent", "silent"), 3, 50)


def test_checks_that_follow_each_other_quickly_do_not_hurry_it() -> None:
    assert not is_stuck(checks("ready", "silent", times=10, every_s=1.0), 3, 10)
    assert is_stuck(checks("ready", "silent", times=22, every_s=1.0), 3, 22)


@pytest.mark.parametrize("outcome", ["silent", "closed"])
def test_a_start_may_take_minutes(outcome: Outcome) -> None:
    assert not is_stuck(checks(outcome, times=30), 3, 299)
    assert is_stuck(checks(outcome, times=31), 3, 300)


def test_what_is_unready_for_hours_is_not_stuck() -> None:
    assert not is_stuck(checks("unready", times=1000), 3, 10_000)


def test_a_record_is_kept_for_the_next_check(tmp_path: Path) -> None:
    assert read_record(tmp_path / "record") is None
    for record in (checks("ready", "silent"), checks("closed")):
        write_record(tmp_path / "record", record)
        assert read_record(tmp_path / "record") == record


@pytest.mark.parametrize(
    "text", ["", "silent", "silent x 0 True", "silent 2 x True", "silent 2 0 True 0", "mute 2 0 True", "\0"]
)
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "record").write_text(text)
    assert read_record(tmp_path / "record") is None


def test_the_wait_for_a_processor_is_in_seconds(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "schedstat").write_text("48000000 1500000000 12\n")
    assert starved_s(tmp_path) == 1.5
