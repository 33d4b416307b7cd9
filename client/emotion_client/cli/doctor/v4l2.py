"""Reads what a camera says of itself through Linux's V4L2, without OpenCV.

Numbers and layouts: ``include/uapi/linux/videodev2.h`` of the Linux kernel.
"""

import struct
from collections.abc import Callable, Iterator

from emotion_client.cli.doctor.facts import PictureFormat

Ioctl = Callable[[int, bytearray], None]
"""Asks one question: a request's number, and its structure, which is filled in. Raises ``OSError`` for no answer."""

QUERYCAP, ENUM_FMT, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 0x80685600, 0xC0405602, 0xC02C564A, 0xC034564B
_CAPTURE, _HAS_DEVICE_CAPS = 0x1, 0x80000000
_BUFFER_TYPE_CAPTURE = 1
_DISCRETE = 1
_MOST = 256  # a driver that never says it is done

_Size = tuple[int, int]


def can_capture(ioctl: Ioctl) -> bool:
    """Tell whether a device gives pictures; webcams have another one, for metadata."""
    answer = bytearray(104)
    ioctl(QUERYCAP, answer)
    _, capabilities, of_this_node = struct.unpack_from("=III", answer, 80)
    return bool((of_this_node if capabilities & _HAS_DEVICE_CAPS else capabilities) & _CAPTURE)


def picture_formats(ioctl: Ioctl) -> tuple[PictureFormat, ...]:
    """Return the formats that a device offers, each with its largest size and the most of them a second."""
    return tuple(_format(ioctl, fourcc) for fourcc in _fourccs(ioctl))


def _format(ioctl: Ioctl, fourcc: int) -> PictureFormat:
    width, height = max(_sizes(ioctl, fourcc), key=lambda size: size[0] * size[1], default=(0, 0))
    fps = max(_rates(ioctl, fourcc, (width, height)), default=None)
    code = struct.pack("=I", fourcc & 0x7FFFFFFF).decode("ascii", "replace").strip()
    return PictureFormat(code, width, height, fps)


def _fourccs(ioctl: Ioctl) -> Iterator[int]:
    for answer in _all(ioctl, ENUM_FMT, lambda index: struct.pack("=II", index, _BUFFER_TYPE_CAPTURE), 64):
        yield struct.unpack_from("=I", answer, 44)[0]


def _sizes(ioctl: Ioctl, fourcc: int) -> Iterator[_Size]:
    for answer in _all(ioctl, ENUM_FRAMESIZES, lambda index: struct.pack("=II", index, fourcc), 44):
        kind, first, second, _, _, fifth = struct.unpack_from("=6I", answer, 8)
        yield (first, second) if kind == _DISCRETE else (second, fifth)
        if kind != _DISCRETE:
            return  # a range is told in one answer


def _rates(ioctl: Ioctl, fourcc: int, size: _Size) -> Iterator[float]:
    for answer in _all(ioctl, ENUM_FRAMEINTERVALS, lambda index: struct.pack("=4I", index, fourcc, *size), 52):
        kind, seconds, parts = struct.unpack_from("=3I", answer, 16)
        if seconds:
            yield round(parts / seconds, 2)  # of a range, the shortest interval comes first
        if kind != _DISCRETE:
            return


def _all(ioctl: Ioctl, request: int, question: Callable[[int], bytes], length: int) -> Iterator[bytearray]:
    for index in range(_MOST):
        answer = bytearray(question(index).ljust(length, b"\0"))
        try:
            ioctl(request, answer)
        except OSError:
            return
        yield answer
