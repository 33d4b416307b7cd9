"""Keeps one model's versions in service as its configuration and its folder say."""

import asyncio
import gc
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.serving.errors import ServingError
from services.serving.model import Model, State
from services.serving.model_config import ModelConfig
from services.serving.retries import Failure, RetryRule
from services.serving.servable import Servable
from services.serving.version_policy import Step, next_step
from services.serving.versions import SAVED_MODEL, NoVersionError, Stamp, find_versions, stamp

UNLOADING_LOOK_S = 0.2
"""How soon to look whether a version that leaves service has ended."""

_log = logging.getLogger(__name__)


class VersionLoader(Protocol):
    """Makes versions ready to answer."""

    async def load(self, name: str, version: int, folder: Path) -> Servable:
        """Return a version that can answer, or raise a ServingError."""


@dataclass(frozen=True)
class Pace:
    """When to look at the folder again (0 is never), and when to try again what failed."""

    poll_s: float
    retry: RetryRule


class Keeper:
    """Looks for versions, loads those that are wanted and takes out of service those that aren't.

    What can't be loaded is tried again by the pace's rule, and at once when its files change, for they may still
    be arriving; until a try succeeds its status tells the last error. The same trouble is logged once.

    Attributes:
        stuck: Whether versions are wanted, and none of them could be brought into service.
    """

    def __init__(self, model: Model, config: ModelConfig, loader: VersionLoader, pace: Pace) -> None:
        self.stuck = False
        self._model = model
        self._config: ModelConfig | None = config
        self._loader = loader
        self._pace = pace
        self._changed = asyncio.Event()
        self._failures: dict[int, Failure] = {}
        self._leaving = False
        self._told = ""

    def change(self, config: ModelConfig | None) -> None:
        """Follow another configuration; None takes all versions out of service."""
        if config != self._config:
            self._config = config
            self.stuck = False
            self._changed.set()

    async def run(self) -> None:
        """Keep the model until cancelled."""
        while True:
            self._changed.clear()
            await self._work()
            try:
                async with asyncio.timeout(self._pause_s()):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def _work(self) -> None:
        config = self._config
        try:
            found = await asyncio.to_thread(find_versions, config.base_path) if config else {}
        except NoVersionError as error:
            self._warn(str(error))
            return
        wanted = config.policy.wanted(found) if config else frozenset[int]()
        if config:
            self._warn_of_missing(config, found)
        self._failures = {version: failure for version, failure in self._failures.items() if version in wanted}
        self._announce(wanted)
        files = await asyncio.to_thread(_stamps, found, wanted)
        while not self._changed.is_set() and (step := self._next_step(wanted, files)):
            await self._take(step, found, files)
        self.stuck = bool(wanted) and not wanted & self._model.versions(State.AVAILABLE)
        self._free_memory()

    def _announce(self, wanted: frozenset[int]) -> None:
        """Tell of the versions that wait to be loaded, and no longer of those that needn't be."""
        for version in self._model.versions(State.START) - wanted:
            self._model.abandon(version)
        known = self._model.versions(State.AVAILABLE, State.UNLOADING)
        for version in wanted - known - self._failures.keys():
            self._model.begin(version)

    def _next_step(self, wanted: frozenset[int], files: Mapping[int, Stamp]) -> Step | None:
        now = time.monotonic()
        failed = {
            version
            for version, failure in self._failures.items()
            if self._pace.retry.is_blocked(failure, files[version], now)
        }
        return next_step(wanted, self._model.versions(State.AVAILABLE), failed | self._model.versions(State.UNLOADING))

    async def _take(self, step: Step, found: Mapping[int, Path], files: Mapping[int, Stamp]) -> None:
        if not step.load:
            _log.info("%s version %d leaves service", self._model.name, step.version)
            self._model.retire(step.version)
            self._leaving = True
            return
        version = step.version
        if version not in self._failures:
            self._model.loading(version)
        try:
            servable = await self._loader.load(self._model.name, version, found[version])
        except ServingError as error:
            self._failures[version] = self._pace.retry.after(
                self._failures.get(version), files[version], time.monotonic()
            )
            self._model.failed(version, error)
            self._warn(f"Version {version} of {self._model.name} can't be loaded: {error}")
            return
        self._failures.pop(version, None)
        self._told = ""
        self._model.available(servable)

    def _free_memory(self) -> None:
        """Give up what versions that have ended leave behind: TensorFlow's objects refer to each other in circles."""
        if self._leaving and not self._model.versions(State.UNLOADING):
            gc.collect()
            self._leaving = False

    def _pause_s(self) -> float | None:
        """Return how long there is nothing to do; None for until the configuration changes."""
        waits = [UNLOADING_LOOK_S if self._model.versions(State.UNLOADING) else None]
        if self._config is not None:
            waits.append(self._pace.retry.seconds_until_next(self._failures, time.monotonic()))
            waits.append(self._pace.poll_s or None)
        return min((wait for wait in waits if wait is not None), default=None)

    def _warn_of_missing(self, config: ModelConfig, found: Mapping[int, Path]) -> None:
        missing = sorted(config.policy.specific - found.keys())
        if not found:
            self._warn(f"No numbered folder with a {SAVED_MODEL} under {config.base_path}")
        elif missing:
            told = ", ".join(str(version) for version in missing)
            self._warn(f"Version {told} of {config.name} is wanted and not under {config.base_path}")

    def _warn(self, trouble: str) -> None:
        if trouble != self._told:
            _log.warning("%s", trouble)
        self._told = trouble


def _stamps(found: Mapping[int, Path], wanted: Iterable[int]) -> dict[int, Stamp]:
    return {version: stamp(found[version]) for version in wanted}
