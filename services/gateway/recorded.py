"""Recorded videos as the gateway sees them: frame after frame, none left out."""

from dataclasses import dataclass, replace
from typing import Protocol

from services.gateway.frames import Frame


@dataclass(frozen=True)
class RecordedFrame:
    """A frame of a recorded video.

    Attributes:
        frame: As clients know it.
        place: Where it stands in the store.
    """

    frame: Frame
    place: str

    @property
    def playing(self) -> str:
        """The playing that it belongs to."""
        return self.frame.message.playing

    def without_picture(self) -> "RecordedFrame":
        """Return the frame with an empty JPEG, for those who keep it after its picture was used."""
        return replace(self, frame=self.frame.without_picture())

    def continues(self, before: "RecordedFrame | None") -> bool:
        """Tell whether it belongs to the same playing; where not, nothing that was tracked goes on."""
        return before is not None and self.playing == before.playing


class RecordedStore(Protocol):
    """Where recorded videos are kept. Every method raises ``ProblemError`` where the store fails."""

    async def following(self, camera: str, after: RecordedFrame | None, wait_s: float) -> RecordedFrame | None:
        """Return the frame after this one, or the first that nobody took.

        None where there is none in this time, which may be shortened to what the store allows.
        Frames come in order. Where capture began to play anew, the next is the first of that playing.
        """

    async def acknowledge(self, camera: str, frame: RecordedFrame) -> None:
        """Tell capture that a frame, and with it all before, was analysed, so that others may follow."""
