"""What keeps the system from starting."""


class PrerequisiteError(Exception):
    """Something on this machine is missing or taken; the message is one sentence that says what to do."""
