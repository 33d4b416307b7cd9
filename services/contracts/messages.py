"""What every message shares: the error for one that can't be decoded."""


class MalformedMessage(ValueError):
    """A message from another process lacks a field, or a field can't be read."""
