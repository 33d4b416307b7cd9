import pytest

from bench.harness.usage import CpuSample, background_cores


def test_background_is_the_load_of_other_processes() -> None:
    assert background_cores(CpuSample(10, 100, 40), CpuSample(20, 115, 50)) == pytest.approx(0.5)


def test_coarse_clock_gives_no_negative_load() -> None:
    assert background_cores(CpuSample(10, 100, 40), CpuSample(20, 110, 50.02)) == 0
