"""Runs an application until it is told to stop, and stops it without losing requests."""

from types import FrameType

import uvicorn
from fastapi import FastAPI

from services.runtime.http_protocol import ProblemHttpProtocol
from services.runtime.settings import ServiceSettings
from services.runtime.stopping import Stopping


class DrainingServer(uvicorn.Server):
    """uvicorn's server with a pause between the signal and the end of listening.

    On the first SIGTERM or SIGINT readiness goes down while requests are still taken, so that a load
    balancer can look elsewhere; then uvicorn finishes what is in flight and closes. A second signal
    stops at once. The process ends with status 0: stopping when asked is no failure.
    """

    def __init__(self, config: uvicorn.Config, stopping: Stopping, drain_s: float) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._drain_s = drain_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Begin to stop; called from a signal handler."""
        if self._stopping.begun:
            self.force_exit = True
            self.should_exit = True
        self._stopping.begin()

    async def on_tick(self, counter: int) -> bool:
        """Tell uvicorn, ten times a second, whether to leave."""
        leave = await super().on_tick(counter)
        return leave or self._stopping.begun_for(self._drain_s)


def serve(app: FastAPI, settings: ServiceSettings, stopping: Stopping) -> None:
    """Serve until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=ProblemHttpProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.stop_timeout_s,
    )
    DrainingServer(config, stopping, settings.drain_s).run()
