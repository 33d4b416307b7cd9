"""The thread that tells Redis, once a second, how every camera is."""

import logging
import threading
from collections.abc import Sequence

from services.capture.camera import Camera
from services.capture.publisher_thread import PublishError, StatusBoard
from services.capture.redaction import unexpected
from services.contracts.cameras import HEARTBEAT_INTERVAL_S

_log = logging.getLogger(__name__)


class Heartbeat(threading.Thread):
    """Renews all statuses until stopped, then withdraws them.

    Each beat writes everything anew, so that a Redis that was emptied knows the cameras again a second later.
    """

    def __init__(self, cameras: Sequence[Camera], board: StatusBoard, interval_s: float = HEARTBEAT_INTERVAL_S) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._cameras = cameras
        self._board = board
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._failing = False

    def run(self) -> None:
        """Beat until stopped."""
        while not self._stopping.is_set():
            try:
                self._beat()
            except Exception as error:  # a thread that ended here would let every camera seem gone
                self._note_failure(unexpected(error))
            self._stopping.wait(self._interval_s)

    def stop(self, timeout_s: float) -> None:
        """Withdraw the statuses, waiting for a beat under way for this long at most."""
        self._stopping.set()
        self.join(timeout_s)
        try:
            self._board.withdraw([camera.id for camera in self._cameras])
        except PublishError as error:
            _log.warning("statuses weren't withdrawn and will expire: %s", error)

    def _beat(self) -> None:
        try:
            self._board.announce({camera.id: camera.status() for camera in self._cameras})
        except PublishError as error:
            self._note_failure(str(error))
        else:
            if self._failing:
                _log.info("Redis takes the heartbeat again")
            self._failing = False

    def _note_failure(self, why: str) -> None:
        if not self._failing:  # once, not every second
            _log.warning("Redis doesn't take the heartbeat: %s", why)
        self._failing = True
