"""Those who ask once, and what they cost: nothing while a session runs, and one where they ask again and again."""

from contextlib import suppress
from time import monotonic

from services.gateway.deadline import Deadline
from services.gateway.live.answer import LiveAnswer
from services.gateway.live.lifetimes import Lifetimes
from services.gateway.live.session import LiveSession
from services.runtime.problems import ProblemError

AGAIN_S = 1.0
"""Who asks again within this time is served by a session, which runs as long after the last question."""

FRESH_MS = 150.0
"""A result of a frame no older than this is taken as the newest, without a look into Redis."""

PATIENCE_S = 0.5
"""How long who asks waits for a session's result before the frame is analysed apart."""

_KEPT = 256


class Questions:
    """Answers from sessions."""

    def __init__(self, sessions: Lifetimes[str, LiveSession]) -> None:
        self._sessions = sessions
        self._asked_at: dict[str, float] = {}

    def fresh(self, camera: str) -> LiveAnswer | None:
        """Return the newest result of a camera's session, if that runs and the result is fresh."""
        session = self._sessions.get(camera)
        if session is None:
            return None
        self._sessions.keep(camera, AGAIN_S)
        newest = session.board.newest
        if newest is None or newest.frame.age_ms() > FRESH_MS:
            return None
        return newest

    async def result_of(self, camera: str, frame_id: str, by: Deadline) -> LiveAnswer | None:
        """Return the result of a frame or a newer one, if the camera's session runs and has it or will have it soon."""
        session = self._sessions.get(camera)
        return None if session is None else await session.result_of(frame_id, by.within(PATIENCE_S).seconds_left())

    def asked(self, camera: str, frame_id: str) -> None:
        """Take note that somebody was answered about a frame that no session analysed."""
        now = monotonic()
        before = self._asked_at.get(camera)
        if len(self._asked_at) >= _KEPT:
            self._asked_at.clear()
        self._asked_at[camera] = now
        if before is None or now - before > AGAIN_S or self._sessions.get(camera) is not None:
            return
        with suppress(ProblemError):  # as many cameras are followed as may be, or the service stops
            self._sessions.keep(camera, AGAIN_S).skip(frame_id)
