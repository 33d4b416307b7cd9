import itertools
import math
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.capture.recorded_source import RecordedSource
from services.capture.sources import SourceEnded, SourceError
from tests.unit.capture.fakes import FakeClock

PIXELS: NDArray[np.uint8] = np.full((48, 64, 3), 90, np.uint8)


class FakeFile:
    """A file whose frames have these times; None is a frame that can't be decoded."""

    def __init__(self, times_ms: Sequence[float], broken: Sequence[int] = (), fps: float = 25.0) -> None:
        self.released = False
        self._times_ms = times_ms
        self._broken = broken
        self._fps = fps
        self._index = -1

    def get(self, prop: int, /) -> float:
        return {cv2.CAP_PROP_FPS: self._fps, cv2.CAP_PROP_POS_MSEC: self._times_ms[max(self._index, 0)]}[prop]

    def set(self, prop: int, value: float, /) -> bool:
        raise AssertionError(f"a file is asked for nothing, but for {prop} = {value}")

    def grab(self) -> bool:
        self._index += 1
        return self._index < len(self._times_ms)

    def retrieve(self) -> tuple[bool, NDArray[np.uint8] | None]:
        return (False, None) if self._index in self._broken else (True, PIXELS)

    def release(self) -> None:
        self.released = True


def times_us(file: FakeFile) -> list[int]:
    source, times = RecordedSource(file, FakeClock()), []
    while True:
        try:
            times.append(source.read().captured_at_us)
        except SourceEnded:
            return times


def test_a_frames_time_is_the_videos_own_whatever_the_clocks_say() -> None:
    clock = FakeClock()
    source = RecordedSource(FakeFile([0.0, 33.367]), clock)
    first = source.read()
    clock.now, clock.wall_us = 999.0, 5
    second = source.read()
    assert (first.captured_at_us, second.captured_at_us) == (0, 33_367)
    assert (first.width, first.height) == (64, 48)
    assert first.playing == second.playing != ""


def test_each_playing_has_a_name_of_its_own() -> None:
    names = {RecordedSource(FakeFile([0.0]), FakeClock()).read().playing for _ in range(3)}
    assert len(names) == 3


@pytest.mark.parametrize(
    ("stated", "fps", "expected"),
    [
        ([0.0, 0.0, 0.0], 10.0, [0, 100_000, 200_000]),
        ([0.0, 40.0, 40.0, 120.0], 25.0, [0, 40_000, 80_000, 120_000]),
        ([0.0, 40.0, 20.0], 25.0, [0, 40_000, 80_000]),
        ([-1.0, math.nan, math.inf], 0.0, [0, 40_000, 80_000]),
        ([500.0, 540.0], 25.0, [500_000, 540_000]),
    ],
)
def test_time_goes_on_where_the_file_does_not_say_how(stated: list[float], fps: float, expected: list[int]) -> None:
    assert times_us(FakeFile(stated, fps=fps)) == expected


def test_frames_that_cannot_be_decoded_are_left_out_and_their_time_passes() -> None:
    file = FakeFile([0.0, 40.0, 80.0, 120.0], broken=(1, 2))
    assert times_us(file) == [0, 120_000]


def test_a_file_without_a_frame_that_can_be_decoded_is_an_error() -> None:
    with pytest.raises(SourceError, match="no frame can be decoded"):
        RecordedSource(FakeFile([0.0] * 20, broken=range(20)), FakeClock()).read()


def test_closing_closes_the_file() -> None:
    file = FakeFile([0.0])
    RecordedSource(file, FakeClock()).close()
    assert file.released


def test_two_playings_are_the_same() -> None:
    stated = [0.0, 33.3, 33.3, 100.0, 133.3]
    one, other = times_us(FakeFile(stated, broken=(3,))), times_us(FakeFile(stated, broken=(3,)))
    assert one == other
    assert all(before < after for before, after in itertools.pairwise(one))
