from itertools import pairwise

import pytest

from emotion_client.cli.video import frame_time_s, starts_interval


def times(timestamps_s: list[float], fps: float = 25.0) -> list[float]:
    found: list[float] = []
    for timestamp_s in timestamps_s:
        found.append(frame_time_s(timestamp_s, found[-1] if found else None, fps))
    return found


def test_timestamps_of_a_variable_frame_rate_are_kept() -> None:
    assert times([0.0, 0.04, 0.5, 0.51]) == [0.0, 0.04, 0.5, 0.51]


def test_missing_and_repeated_timestamps_advance_by_a_period() -> None:
    assert times([0.0, 0.0, 0.0]) == pytest.approx([0.0, 0.04, 0.08])
    assert times([-1.0, 0.2, 0.2, 0.3]) == pytest.approx([0.0, 0.2, 0.24, 0.3])


def test_times_always_increase() -> None:
    assert all(earlier < later for earlier, later in pairwise(times([0.0, 1.0, 0.5, 0.9, 1.02])))


@pytest.mark.parametrize(("fps", "expected"), [(None, 30), (30.0, 30), (100.0, 30), (10.0, 10), (7.0, 7), (0.5, 1)])
def test_frames_of_one_second_at_30_fps(fps: float | None, expected: int) -> None:
    chosen = [0.0]
    for index in range(1, 30):
        if starts_interval(index / 30, chosen[-1], fps):
            chosen.append(index / 30)
    assert len(chosen) == expected
