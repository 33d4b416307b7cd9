"""The two kinds of senders, as their camera sees them."""

from typing import Protocol

from services.capture.clock import Clock
from services.capture.intake import NumberedFrame
from services.capture.mailbox import Mailbox
from services.capture.recorded_sender import RecordedSender
from services.capture.sender import Outlet, Sender
from services.capture.source_spec import SourceKind, SourceSpec
from services.capture.tally import Tally


class FrameSender(Protocol):
    """A thread that publishes a camera's frames.

    Attributes:
        size: (width, height) of the last frame; (0, 0) before the first.
        delay_us: Microseconds from the grab of the last frame until it was published; 0 for a recorded video.
    """

    size: tuple[int, int]
    delay_us: int

    def start(self) -> None:
        """Start to publish; returns at once."""

    def finish(self) -> None:
        """Make it leave; returns at once."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has left, for this long at most."""

    def frames_per_second(self) -> float:
        """Return the rate of published frames over the last seconds."""

    @property
    def waiting(self) -> bool:
        """Whether frames are there that nobody takes."""

    @property
    def all_taken(self) -> bool:
        """Whether nothing is left that somebody should take."""


def sender_for(
    source: SourceSpec, outlet: Outlet, mailbox: Mailbox[NumberedFrame], tally: Tally, clock: Clock
) -> FrameSender:
    """Return the sender that suits a source."""
    kind = RecordedSender if source.kind is SourceKind.RECORDED else Sender
    return kind(outlet, mailbox, tally, clock)
