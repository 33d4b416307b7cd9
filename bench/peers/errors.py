"""What can go wrong with other systems."""


class PeerError(Exception):
    """A peer's environment can't be built, or its process doesn't answer; the message says why."""
