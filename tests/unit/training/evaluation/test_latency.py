from pathlib import Path

import pytest

from training.evaluation.latency import cpu_name, is_cpu_contended


@pytest.mark.parametrize(("cpu_s", "contended"), [(10.0, False), (10.4, False), (9.5, False), (8.5, True), (1.0, True)])
def test_waiting_for_a_core_is_contention(cpu_s: float, contended: bool) -> None:
    assert is_cpu_contended(cpu_s, elapsed_s=10.0) is contended


def test_the_cpu_name_is_read_from_cpuinfo(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Abacus 3000\n\nprocessor\t: 1\nmodel name\t: Abacus 3000\n")
    assert cpu_name(path) == "Abacus 3000"


def test_without_cpuinfo_the_architecture_is_returned(tmp_path: Path) -> None:
    assert cpu_name(tmp_path / "absent")
