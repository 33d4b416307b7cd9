"""Serves an ASGI application over a real socket, in a thread."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.support.waiting import DEFAULT_TIMEOUT_S, wait_until


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Yield the URL of an application while it is served."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, lifespan="auto", log_config=None, access_log=False, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), name="served")
        thread.start()
        try:
            wait_until(lambda: server.started or not thread.is_alive(), "the application to start")
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(DEFAULT_TIMEOUT_S)
