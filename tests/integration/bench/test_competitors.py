import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.competitors.measurements import write_images
from bench.competitors.process import CompetitorError, CompetitorProcess, competitor_process
from services.contracts.geometry import Box

SMALL_COMPETITOR = (sys.executable, "-m", "tests.integration.bench.small_competitor")


@pytest.fixture
def competitor(tmp_path: Path) -> Iterator[CompetitorProcess]:
    with competitor_process(SMALL_COMPETITOR, tmp_path / "competitor.log") as running:
        yield running


def test_images_are_written_in_order(tmp_path: Path) -> None:
    jpegs = [b"first", b"second", *(b"%d" % number for number in range(20))]
    paths = write_images(tmp_path / "frames", jpegs)
    assert [path.read_bytes() for path in paths] == jpegs
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == [path.name for path in paths]


def test_description_of_a_competitor(competitor: CompetitorProcess) -> None:
    assert (competitor.description["name"], competitor.description["version"]) == ("pytest", pytest.__version__)
    assert set(competitor.description["packages"]) == {"numpy"}


def test_images_are_analysed_one_after_the_other(competitor: CompetitorProcess, tmp_path: Path) -> None:
    found = [competitor.predict(path) for path in write_images(tmp_path, [b"abc", b"abcdef"])]
    assert [one.faces for one in found] == [(Box(1, 2, 3, 4),), (Box(1, 2, 6, 4),)]
    assert [one.emotions for one in found] == [("happy",), ("happy",)]
    assert all(one.seconds > 0 and one.cpu_seconds is not None for one in found)


def test_failure_has_its_reason(competitor: CompetitorProcess, tmp_path: Path) -> None:
    (path,) = write_images(tmp_path, [b"bad"])
    with pytest.raises(CompetitorError, match="not an image"):
        competitor.predict(path)
