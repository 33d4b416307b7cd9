"""The frame message that capture writes to a Redis stream and the gateway reads."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.contracts.messages import MAX_INT64, MalformedMessageError, number, required

MAX_STREAM_FRAMES = 4
"""Length of a stream: the newest entry is used, the others cover a reader's round trip."""

FRAMES_TTL_S = 10
"""A stream expires this long after its last frame, so that no image outlives its camera."""

MAX_JPEG_BYTES = 16 * 1024 * 1024
"""Largest image; a larger one is malformed."""

MAX_SIDE_PX = 65_535
"""Longest side that a JPEG can have."""

MAX_AHEAD_S = 2.0
"""How far in the future a frame's entry id may be, by Redis's clock. Redis assigns ids, and continues from the last
one if its clock is set back; an id in the future would make a frame new forever."""

MAX_DELAY_US = FRAMES_TTL_S * 1_000_000
_LATEST_MS = 253_402_300_799_999  # the end of the year 9999


def frames_key(camera: str) -> str:
    """Return the key of a camera's stream."""
    return f"frames:{camera}"


@dataclass(frozen=True)
class FrameMessage:
    """One frame. Its id is the entry id that Redis gives it.

    Attributes:
        jpeg: The image.
        captured_at_us: Unix microseconds by the camera host's clock; informative, since clocks differ.
        delay_us: Microseconds from the grab to the ``XADD``, by a monotonic clock.
        width: Pixels.
        height: Pixels.
        seq: Counts the frames of one camera since capture started; gaps are drops.
    """

    jpeg: bytes
    captured_at_us: int
    delay_us: int
    width: int
    height: int
    seq: int

    def encode(self) -> dict[str, bytes | int]:
        """Return the fields of the stream entry."""
        return {
            "jpeg": self.jpeg,
            "captured_at": self.captured_at_us,
            "delay_us": self.delay_us,
            "width": self.width,
            "height": self.height,
            "seq": self.seq,
        }

    @classmethod
    def decode(cls, fields: Mapping[bytes, bytes]) -> "FrameMessage":
        """Read the fields of a stream entry.

        Raises:
            MalformedMessageError: A field is missing or can't be read.
        """
        try:
            jpeg = required(fields, b"jpeg")
            if len(jpeg) > MAX_JPEG_BYTES:
                raise MalformedMessageError(f"jpeg has more than {MAX_JPEG_BYTES:,} bytes")
            return cls(
                jpeg=jpeg,
                captured_at_us=number(fields, b"captured_at", MAX_INT64),
                delay_us=number(fields, b"delay_us", MAX_DELAY_US),
                width=number(fields, b"width", MAX_SIDE_PX),
                height=number(fields, b"height", MAX_SIDE_PX),
                seq=number(fields, b"seq", MAX_INT64),
            )
        except MalformedMessageError as error:
            raise MalformedMessageError(f"frame: {error}") from None


def frame_order(frame_id: str) -> tuple[int, int]:
    """Return what orders frame ids by age.

    Raises:
        MalformedMessageError: Not ``milliseconds-sequence``.
    """
    milliseconds, _, sequence = frame_id.partition("-")
    if not (_is_number(milliseconds) and _is_number(sequence)):
        raise MalformedMessageError("frame id is not of the form milliseconds-sequence")
    return int(milliseconds), int(sequence)


def captured_at_us(entry_id: str, delay_us: int) -> int:
    """Return when a frame was captured: Unix microseconds by Redis's clock.

    Args:
        entry_id: ``milliseconds-sequence``, as Redis gave it.
        delay_us: The message's own.

    Raises:
        MalformedMessageError: The id is not of that form, or of a time that no calendar knows.
    """
    milliseconds, _ = frame_order(entry_id)
    if milliseconds > _LATEST_MS:
        raise MalformedMessageError("frame id is of a time after the year 9999")
    return milliseconds * 1000 - delay_us


def _is_number(text: str) -> bool:
    """Tell whether the text is a whole number as Redis writes it: 64 bits, ASCII digits."""
    return text.isascii() and text.isdecimal() and len(text) <= 20
