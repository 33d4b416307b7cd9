"""The moment from which a process takes no new work."""

import time


class Stopping:
    """Set once, on SIGTERM or SIGINT; health reads it, the server acts on it."""

    def __init__(self) -> None:
        self._since: float | None = None

    def begin(self) -> None:
        """Start to stop; later calls change nothing."""
        if self._since is None:
            self._since = time.monotonic()

    @property
    def begun(self) -> bool:
        """Whether the process is stopping."""
        return self._since is not None

    def begun_for(self, seconds: float) -> bool:
        """Tell whether the process has been stopping for at least this long."""
        return self._since is not None and time.monotonic() - self._since >= seconds
