"""What all tests need."""

import signal


def pytest_configure() -> None:
    """Let Ctrl-C reach the processes that tests start: background jobs of a shell ignore it, as do their own."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
