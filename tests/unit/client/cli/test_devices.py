import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from emotion_client.cli.doctor.facts import CaptureFormat
from emotion_client.cli.doctor.gather import parse_macos_listing, parse_windows_listing
from emotion_client.cli.doctor.linux import (
    ENUM_FMT,
    ENUM_FRAMEINTERVALS,
    ENUM_FRAMESIZES,
    QUERYCAP,
    can_capture,
    capture_formats,
)
from emotion_client.cli.doctor.measure import latency_of

MJPG, YUYV = (struct.unpack("=I", code)[0] for code in (b"MJPG", b"YUYV"))


T = TypeVar("T")


def _at(values: Sequence[T], index: int) -> T:
    if index >= len(values):
        raise OSError(errno.EINVAL, "no more")
    return values[index]


@dataclass
class FakeDriver:
    """Answers as a webcam's driver does; a size is discrete, or (least, most) of a range."""

    capabilities: tuple[int, int] = (0x84A00001, 0x04200001)
    sizes: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    ranges: dict[int, tuple[int, int]] = field(default_factory=dict)
    intervals: list[tuple[int, int]] = field(default_factory=lambda: [(1, 15), (1, 30)])

    def __call__(self, request: int, answer: bytearray) -> None:
        index, second, *_ = struct.unpack_from("=II", answer)
        if request == QUERYCAP:
            struct.pack_into("=II", answer, 84, *self.capabilities)
        elif request == ENUM_FMT:
            struct.pack_into("=I", answer, 44, _at([*self.sizes, *self.ranges], index))
        elif request == ENUM_FRAMESIZES and second in self.ranges:
            struct.pack_into("=7I", answer, 8, 3, 16, self.ranges[second][0], 16, 16, self.ranges[second][1], 16)
        elif request == ENUM_FRAMESIZES:
            struct.pack_into("=3I", answer, 8, 1, *_at(self.sizes[second], index))
        elif request == ENUM_FRAMEINTERVALS:
            struct.pack_into("=3I", answer, 16, 1, *_at(self.intervals, index))


def test_metadata_node_of_a_webcam_cannot_capture() -> None:
    assert can_capture(FakeDriver())
    assert not can_capture(FakeDriver(capabilities=(0x84A00001, 0x04A00000)))
    assert can_capture(FakeDriver(capabilities=(0x00000001, 0)))


def test_formats_with_their_largest_size_and_fastest_rate() -> None:
    driver = FakeDriver(sizes={MJPG: [(640, 480), (1920, 1080), (1280, 720)], YUYV: [(640, 480)]})
    assert capture_formats(driver) == (CaptureFormat("MJPG", 1920, 1080, 30.0), CaptureFormat("YUYV", 640, 480, 30.0))


def test_a_range_of_sizes_and_no_rate() -> None:
    driver = FakeDriver(ranges={YUYV: (2592, 1944)}, intervals=[])
    assert capture_formats(driver) == (CaptureFormat("YUYV", 2592, 1944, None),)


def test_driver_without_formats() -> None:
    assert capture_formats(FakeDriver()) == ()


def test_latency_needs_a_plausible_timestamp() -> None:
    assert latency_of(1000.0, 937.5) == 62.5
    assert latency_of(1000.0, 0.0) is None
    assert latency_of(1000.0, 1200.0) is None
    assert latency_of(9e9, 1000.0) is None


def test_cameras_as_macos_lists_them() -> None:
    listing = b'{"SPCameraDataType": [{"_name": "FaceTime HD Camera"}, {"_name": "USB Camera"}]}'
    assert parse_macos_listing(listing) == ["FaceTime HD Camera", "USB Camera"]


@pytest.mark.parametrize("listing", [b"", b"{}", b"[]", b'{"SPCameraDataType": [{}]}'])
def test_unreadable_macos_listing(listing: bytes) -> None:
    assert parse_macos_listing(listing) == []


@pytest.mark.parametrize(
    ("listing", "names"),
    [(b'["A", "B"]', ["A", "B"]), (b'"A"', ["A"]), (b"[]", []), (b"", []), (b"null", []), (b"\xff", [])],
)
def test_cameras_as_windows_lists_them(listing: bytes, names: list[str]) -> None:
    assert parse_windows_listing(listing) == names
