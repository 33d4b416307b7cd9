"""What is known of one model: the state of each version, and those that can answer."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum

import grpc

from services.serving.errors import NotFoundError, ServingError
from services.serving.servable import Servable


class State(IntEnum):
    """Where a version is in its life; the numbers are those of ``ModelVersionStatus``."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionStatus:
    """One version's state, and why it ended where it ended in an error."""

    version: int
    state: State
    code: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""


class Model:
    """The versions of one model. Used from the event loop only."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._statuses: dict[int, VersionStatus] = {}
        self._servables: dict[int, Servable] = {}
        self._in_use: Counter[int] = Counter()

    def begin(self, version: int) -> None:
        """Note that a version was found and waits to be loaded."""
        self._set(version, State.START)

    def loading(self, version: int) -> None:
        """Note that a version is being loaded."""
        self._set(version, State.LOADING)

    def failed(self, version: int, error: ServingError) -> None:
        """Note that a version could not be loaded."""
        self._statuses[version] = VersionStatus(version, State.END, error.code, str(error))

    def available(self, servable: Servable) -> None:
        """Take a version into service."""
        self._servables[servable.version] = servable
        self._set(servable.version, State.AVAILABLE)

    def retire(self, version: int) -> None:
        """Take a version out of service: new requests don't find it; it ends once none uses it."""
        self._servables.pop(version, None)
        self._set(version, State.UNLOADING)
        self._end_unused(version)

    def abandon(self, version: int) -> None:
        """Note that a version is no longer to be loaded."""
        self._set(version, State.END)

    def versions(self, *states: State) -> frozenset[int]:
        """Return the versions that are in one of the states."""
        return frozenset(version for version, status in self._statuses.items() if status.state in states)

    def statuses(self, version: int | None = None) -> list[VersionStatus]:
        """Return the state of one version, or of all, the newest first.

        Raises:
            NotFoundError: There is no such version.
        """
        if version is None and not self._statuses:
            raise NotFoundError(f"Could not find any versions of model {self.name}")
        if version is None:
            return [self._statuses[number] for number in sorted(self._statuses, reverse=True)]
        if version not in self._statuses:
            raise NotFoundError(f"Could not find version {version} of model {self.name}")
        return [self._statuses[version]]

    @contextmanager
    def lease(self, version: int | None = None) -> Iterator[Servable]:
        """Lend the version that answers a request, the one named or the newest; it isn't unloaded meanwhile.

        Raises:
            NotFoundError: None can answer.
        """
        wanted = max(self._servables, default=None) if version is None else version
        if wanted is None or wanted not in self._servables:
            request = f"Latest({self.name})" if version is None else f"Specific({self.name}, {version})"
            raise NotFoundError(f"Servable not found for request: {request}")
        self._in_use[wanted] += 1
        try:
            yield self._servables[wanted]
        finally:
            self._in_use[wanted] -= 1
            self._end_unused(wanted)

    def _set(self, version: int, state: State) -> None:
        self._statuses[version] = VersionStatus(version, state)

    def _end_unused(self, version: int) -> None:
        if self._in_use[version] == 0 and self._statuses[version].state is State.UNLOADING:
            self._set(version, State.END)
