"""Errors that prevent the system from starting."""


class PrerequisiteError(Exception):
    """A program is missing, a port is in use, or a variable is invalid. The message is one sentence with the remedy."""
