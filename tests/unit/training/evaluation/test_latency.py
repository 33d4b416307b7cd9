from pathlib import Path

import pytest

from training.evaluation.latency import processor_name, was_held_up


@pytest.mark.parametrize(
    ("worked_s", "held_up"), [(10.0, False), (10.4, False), (9.5, False), (8.5, True), (1.0, True)]
)
def test_who_waited_for_a_core_was_held_up(worked_s: float, held_up: bool) -> None:
    assert was_held_up(worked_s, passed_s=10.0) is held_up


def test_linux_tells_the_name(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Abacus 3000\n\nprocessor\t: 1\nmodel name\t: Abacus 3000\n")
    assert processor_name(path) == "Abacus 3000"


def test_elsewhere_there_is_at_least_an_architecture(tmp_path: Path) -> None:
    assert processor_name(tmp_path / "absent")
