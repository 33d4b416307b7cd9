"""How a recorded video waits for its frames to be taken, so that every one of them counts.

Capture publishes a frame only while fewer than ``UNTAKEN_MOST`` wait; who has analysed one says so under
``taken:{camera}``. While nobody does, capture waits and keeps what it published alive.
"""

import re
from dataclasses import dataclass

from services.contracts.frames import FRAMES_KEPT, FrameMessage
from services.contracts.messages import MalformedMessage

UNTAKEN_MOST = FRAMES_KEPT
"""Frames published and not yet taken. The stream keeps as many, so none is trimmed before it was taken."""

MAX_TAKEN_BYTES = 52
"""Longest value of the key that tells what was taken."""

_TAKEN = re.compile(rb"([0-9a-z]{1,32}) ([0-9]{1,18})")


def taken_key(camera: str) -> str:
    """Return the key under which the last frame taken stands; it expires like the frames, unless renewed."""
    return f"taken:{camera}"


@dataclass(frozen=True)
class Taken:
    """The last frame that was analysed, and with it all before.

    Attributes:
        playing: The frame message's own: what was taken of one playing says nothing of the next.
        seq: Likewise.
    """

    playing: str
    seq: int

    def encode(self) -> str:
        """Return the key's value."""
        return f"{self.playing} {self.seq}"

    @classmethod
    def decode(cls, value: bytes) -> "Taken":
        """Read the key's value.

        Raises:
            MalformedMessage: It is of another form.
        """
        parts = _TAKEN.fullmatch(value)
        if parts is None:
            raise MalformedMessage("taken: not of the form playing seq")
        return cls(parts[1].decode("ascii"), int(parts[2]))

    def includes(self, playing: str, seq: int) -> bool:
        """Tell whether a frame was taken."""
        return self.playing == playing and seq <= self.seq


def recorded_frame_id(message: FrameMessage) -> str:
    """Return what a recorded video's frame is called to clients: the same in each playing, unlike its entry id.

    It has the form of an entry id: milliseconds since the video's start, and the frame's number.
    """
    return f"{message.captured_at_us // 1000}-{message.seq}"
