"""What all connections share: a deadline for their state, for what they don't take, and for their end."""

import asyncio
import math

from services.runtime.connection_limits import ConnectionLimits
from services.runtime.rejections import Rejections


class TimedConnection(asyncio.Protocol):
    """A mixin for uvicorn's protocols. ``Connections`` calls ``look`` ten times a second.

    No timers are started and cancelled for each request: a state's deadline is a number.
    """

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    limits: ConnectionLimits
    rejections: Rejections

    due = math.inf
    """When the state that the connection is in has lasted too long, by the loop's clock."""
    _arrived_bytes = 0
    _taken_by = math.inf
    _ended_by = math.inf

    def look(self, now: float) -> None:
        """End the connection where a deadline has passed."""
        if self.transport.is_closing():
            if self._ended_by == math.inf:
                self._ended_by = now + self.limits.close_s + self._unsent_s()
            elif now >= self._ended_by:
                self.transport.abort()
        elif now >= self._taken_by:
            self.rejections.count("unsent")
            self.transport.abort()
        elif now >= self.due:
            self.expire(now)

    def expire(self, now: float) -> None:
        """End the connection, since its state has lasted too long; or set ``due`` again."""
        raise NotImplementedError

    def allow(self, seconds: float) -> None:
        """Begin a state that may last so long."""
        self.due = self.loop.time() + seconds
        self._arrived_bytes = 0

    def transferred(self, count: int, seconds: float) -> None:
        """Allow the state as long again where enough has arrived since it was last allowed."""
        self._arrived_bytes += count
        if self._arrived_bytes >= seconds * self.limits.min_bytes_per_s:
            self.allow(seconds)

    def pause_writing(self) -> None:
        """Begin to wait for the client to take what was sent."""
        self._taken_by = self.loop.time() + self.limits.unsent_s + self._unsent_s()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Stop waiting: the client has taken enough."""
        self._taken_by = math.inf
        super().resume_writing()

    def _unsent_s(self) -> float:
        return self.transport.get_write_buffer_size() / self.limits.min_bytes_per_s
