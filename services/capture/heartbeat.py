"""The thread that publishes the status of every camera once a second."""

import logging
import threading
from collections.abc import Sequence

from services.capture.camera import Camera
from services.capture.publisher_thread import PublishError, StatusStore
from services.capture.redaction import describe_unexpected
from services.contracts.cameras import HEARTBEAT_INTERVAL_S
from services.runtime.clock import Wait

_log = logging.getLogger(__name__)


class Heartbeat(threading.Thread):
    """Publishes all statuses until stopped, then deletes them.

    Each heartbeat writes the whole status, so that a Redis that lost its data has it again a second later.
    """

    def __init__(self, cameras: Sequence[Camera], store: StatusStore, wait: Wait = threading.Event.wait) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._cameras = cameras
        self._store = store
        self._wait = wait
        self._stopping = threading.Event()
        self._failing = False

    def run(self) -> None:
        """Publish until stopped."""
        while not self._stopping.is_set():
            try:
                self._beat()
            except Exception as error:  # if this thread ended, every camera would go offline
                self._on_failure(describe_unexpected(error))
            self._wait(self._stopping, HEARTBEAT_INTERVAL_S)

    def stop(self, timeout_s: float) -> None:
        """Delete the statuses, after waiting up to ``timeout_s`` for a heartbeat in progress."""
        self._stopping.set()
        self.join(timeout_s)
        try:
            self._store.delete_statuses([camera.id for camera in self._cameras])
        except PublishError as error:
            _log.warning("camera statuses were not deleted and will expire: %s", error)

    def _beat(self) -> None:
        try:
            self._store.put_statuses({camera.id: camera.status() for camera in self._cameras})
        except PublishError as error:
            self._on_failure(str(error))
        else:
            if self._failing:
                _log.info("heartbeat is published again")
            self._failing = False

    def _on_failure(self, reason: str) -> None:
        if not self._failing:  # log the first failure only
            _log.warning("heartbeat was not published: %s", reason)
        self._failing = True
