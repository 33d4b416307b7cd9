"""A bound on the bytes that all clients of a process have under way together."""

from collections import Counter

_SHARES = 8
"""A client's part of a budget that others can't be kept from by it: an eighth."""


class BudgetExceededError(Exception):
    """The budget has no room for more."""


class ByteBudget:
    """Bytes that are received and not worked through yet, of all clients.

    Up to an eighth a client gets what it needs as long as there is room; beyond it only while half of the budget is
    free, so that no client can take everything.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held = 0
        self._held_by: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Bytes that are taken."""
        return self._held

    def lease(self, client: str) -> "Lease":
        """Return an empty part of the budget for a client, named by its key or address."""
        return Lease(self, client)

    def move(self, client: str, change: int) -> None:
        """Take more or give back.

        Raises:
            BudgetExceededError: There is no room; nothing was taken.
        """
        if change > 0:
            held, own = self._held + change, self._held_by[client] + change
            if held > self.max_bytes or (own > self.max_bytes // _SHARES and 2 * held > self.max_bytes):
                raise BudgetExceededError
        self._held += change
        self._held_by[client] += change
        if not self._held_by[client]:
            del self._held_by[client]


class Lease:
    """One connection's part of a budget."""

    def __init__(self, budget: ByteBudget, client: str) -> None:
        self._budget = budget
        self._client = client
        self._held = 0

    def resize(self, held: int) -> None:
        """Hold this many bytes from now on.

        Raises:
            BudgetExceededError: There is no room; the part is as large as before.
        """
        self._budget.move(self._client, held - self._held)
        self._held = held
