"""A bound on the bytes that all clients of a process have under way together."""


class BudgetExceededError(Exception):
    """The budget has no room for more."""


class ByteBudget:
    """Bytes that are received and not worked through yet, of all clients."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held = 0

    @property
    def held(self) -> int:
        """Bytes that are taken."""
        return self._held

    def lease(self) -> "Lease":
        """Return an empty part of the budget."""
        return Lease(self)

    def move(self, change: int) -> None:
        """Take more or give back.

        Raises:
            BudgetExceededError: There is no room; nothing was taken.
        """
        if change > 0 and self._held + change > self.max_bytes:
            raise BudgetExceededError
        self._held += change


class Lease:
    """One client's part of a budget."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._held = 0

    def resize(self, held: int) -> None:
        """Hold this many bytes from now on.

        Raises:
            BudgetExceededError: There is no room; the part is as large as before.
        """
        self._budget.move(held - self._held)
        self._held = held
