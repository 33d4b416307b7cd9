"""All open connections of a server: how many there may be, and the deadlines that they keep."""

from collections import Counter, OrderedDict
from collections.abc import Callable

from services.runtime.client_address import address_group, is_local
from services.runtime.connection_limits import ConnectionLimits
from services.runtime.rejections import Rejections
from services.runtime.timed_connection import TimedConnection


class Connections:
    """Admits connections up to the limits, and closes those that wait before it refuses one."""

    def __init__(self, limits: ConnectionLimits, rejections: Rejections, exempt: Callable[[str], bool]) -> None:
        """Begin without connections.

        Args:
            limits: Which bounds hold.
            rejections: Counts who is refused.
            exempt: Tells of an address whether it may have any number of connections, as proxies must.
        """
        self._limits = limits
        self._rejections = rejections
        self._exempt = exempt
        self._open: dict[TimedConnection, str] = {}
        self._of_group = Counter[str]()
        self._fresh = OrderedDict[TimedConnection, None]()
        self._idle = OrderedDict[TimedConnection, None]()
        self.full = False
        """Whether the process has no room for another connection, however few there are."""

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: TimedConnection, host: str) -> bool:
        """Count a new connection; return whether it may stay."""
        local = is_local(host)
        group = address_group(host)
        limit = self._limits.max_connections + (self._limits.local_reserve if local else 0)
        if not local and self._of_group[group] >= self._limits.max_connections_per_client and not self._exempt(host):
            self._rejections.count("connections-of-client")
            admitted = False
        elif (self.full or len(self._open) >= limit) and not self._close_oldest_waiting():
            self._rejections.count("connections")
            admitted = False
        else:
            admitted = True
        self._open[connection] = group
        self._of_group[group] += 1
        if admitted:
            self._fresh[connection] = None
        return admitted

    def replace(self, connection: TimedConnection, successor: TimedConnection) -> None:
        """Count another protocol of the same connection from now on."""
        group = self._open.pop(connection, None)
        self.works(connection)
        if group is not None:
            self._open[successor] = group

    def leave(self, connection: TimedConnection) -> None:
        """Forget a connection that has ended."""
        self.works(connection)
        group = self._open.pop(connection, None)
        if group is None:
            return
        self._of_group[group] -= 1
        if not self._of_group[group]:
            del self._of_group[group]

    def waits(self, connection: TimedConnection) -> None:
        """Note that a connection waits for its client's next request: it is closed where room is needed."""
        if connection in self._open:
            self._idle[connection] = None

    def works(self, connection: TimedConnection) -> None:
        """Note that a connection's client waits for the application."""
        self._fresh.pop(connection, None)
        self._idle.pop(connection, None)

    def look(self, now: float) -> None:
        """End connections whose deadlines have passed.

        Args:
            now: By the loop's clock, in seconds.
        """
        for connection in tuple(self._open):
            connection.look(now)

    def _close_oldest_waiting(self) -> bool:
        waiting = self._fresh or self._idle
        if not waiting:
            return False
        connection, _ = waiting.popitem(last=False)
        self.leave(connection)
        self._rejections.count("evicted")
        connection.transport.abort()
        return True
