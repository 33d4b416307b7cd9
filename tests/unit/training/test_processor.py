from pathlib import Path

from training.processor import processor_name


def test_linux_tells_the_name(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Abacus 3000\n\nprocessor\t: 1\nmodel name\t: Abacus 3000\n")
    assert processor_name(path) == "Abacus 3000"


def test_elsewhere_there_is_at_least_an_architecture(tmp_path: Path) -> None:
    assert processor_name(tmp_path / "absent")
