"""``python -m launcher``: what ``make run`` starts."""

import argparse
import signal
import sys


def main() -> None:
    """Start everything, and stop everything on Ctrl-C, SIGTERM or when one process ends."""
    leave_quietly_when_stopped()
    # No options: a camera's address may hold a password, and a command line can be read by every user.
    argparse.ArgumentParser(prog="python -m launcher", description=__doc__).parse_args()
    # The rest takes a second to import, in which a signal should find a handler.
    from launcher.start import start

    sys.exit(start())


def leave_quietly_when_stopped() -> None:
    """Until the processes run, a signal just ends this one; from then on honcho handles them."""
    for stop in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(stop, lambda *_: sys.exit(0))


if __name__ == "__main__":
    main()
