"""``python -m launcher``, the command behind ``make run``."""

import argparse
import signal
import sys


def main() -> None:
    """Start all processes, and stop all of them on Ctrl-C, on SIGTERM or when one of them ends."""
    exit_on_signals()
    # There are no options: a camera's address may contain a password, and every user can read a command line.
    argparse.ArgumentParser(prog="python -m launcher", description=__doc__).parse_args()
    # This import takes a second, and a signal must be handled meanwhile.
    from launcher.start import start

    sys.exit(start())


def exit_on_signals() -> None:
    """Exit with status 0 on a signal, until honcho handles signals."""
    for stop in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(stop, lambda *_: sys.exit(0))


if __name__ == "__main__":
    main()
