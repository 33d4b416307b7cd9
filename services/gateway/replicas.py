"""Which of several equal servers the next request goes to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

SHUNNED_S = 1.0
"""How long a server that failed is passed over; twice as long after each further failure."""
SHUNNED_AT_MOST_S = 8.0


@dataclass
class Replica:
    """One server.

    Attributes:
        address: Its host's address.
        under_way: Requests that it works on.
        failures: Failures in a row.
        shunned_until_s: By the monotonic clock.
        used: Counts choices; the one with the lowest number was chosen the longest ago.
    """

    address: str
    under_way: int = 0
    failures: int = 0
    shunned_until_s: float = 0.0
    used: int = 0


class Replicas:
    """All servers that were chosen so far, and how they did.

    The one with the fewest requests under way is next, in turn where several have as few. One that
    failed is passed over for a while, if there is another; then one caller tries it.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._known: dict[str, Replica] = {}
        self._choices = 0

    def choose(self, addresses: Sequence[str]) -> Replica:
        """Return the server of one of these addresses, of which there is one at least."""
        self._known = {
            address: replica
            for address, replica in self._known.items()
            if address in addresses or replica.under_way or replica.failures
        }
        chosen = min((self._known.setdefault(address, Replica(address)) for address in addresses), key=self._rank)
        self._choices += 1
        chosen.used = self._choices
        return chosen

    def failed(self, replica: Replica) -> None:
        """Pass a server over for a while."""
        pause_s = min(SHUNNED_S * 2**replica.failures, SHUNNED_AT_MOST_S)
        replica.failures += 1
        replica.shunned_until_s = self._clock() + pause_s

    def answered(self, replica: Replica) -> None:
        """Trust a server again."""
        replica.failures = 0
        replica.shunned_until_s = 0.0

    def _rank(self, replica: Replica) -> tuple[bool, int, int]:
        on_trial = replica.failures > 0 and replica.under_way > 0
        return on_trial or replica.shunned_until_s > self._clock(), replica.under_way, replica.used
