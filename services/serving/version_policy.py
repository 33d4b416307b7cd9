"""Which of the versions on disk are to be in service, and what to do next to come there."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class VersionPolicy:
    """The versions that are wanted: the newest few, those that are listed, or all.

    Attributes:
        latest: How many of the newest; 0 where another rule holds.
        specific: The numbers that are listed; empty where another rule holds.
    """

    latest: int = 1
    specific: frozenset[int] = frozenset()

    def wanted(self, found: Collection[int]) -> frozenset[int]:
        """Return those of the versions that were found that are to be in service."""
        if self.specific:
            return self.specific & frozenset(found)
        return frozenset(sorted(found)[-self.latest :]) if self.latest else frozenset(found)


NEWEST_VERSION = VersionPolicy()
ALL_VERSIONS = VersionPolicy(latest=0)


@dataclass(frozen=True)
class Step:
    """One thing to do: load a version, or take one out of service."""

    version: int
    load: bool


def next_step(wanted: Collection[int], serving: Collection[int], blocked: Collection[int]) -> Step | None:
    """Return what to do next, or None where nothing is left to do.

    The newest wanted version comes first. A version that is no longer wanted leaves only after one that is
    wanted has come, so that the model goes on answering; where none is wanted, all leave.

    Args:
        wanted: The versions that are to be in service.
        serving: Those that are.
        blocked: Those that can't be loaded now.
    """
    leaving = sorted(set(serving) - set(wanted))
    if leaving and (not wanted or set(wanted) & set(serving)):
        return Step(leaving[0], load=False)
    coming = sorted(set(wanted) - set(serving) - set(blocked))
    return Step(coming[-1], load=True) if coming else None
