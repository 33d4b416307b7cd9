"""Brings the first version of a model into service, however long its files take to appear."""

import asyncio
import logging
import time
from concurrent.futures import Executor
from pathlib import Path

from services.serving.errors import InternalError, ServingError
from services.serving.model import Model
from services.serving.servable import Servable, load_servable
from services.serving.versions import NoVersionError, newest_version
from services.serving.warmup import warm_up

LOOK_AGAIN_S = 1.0

_log = logging.getLogger(__name__)


class Loader:
    """Looks for the newest version each second until one is in service.

    A version that can't be loaded is tried again, for its files may still be arriving; until a try
    succeeds its status tells the last error. The same trouble is logged once.
    """

    def __init__(self, model: Model, base: Path, executor: Executor) -> None:
        self._model = model
        self._base = base
        self._executor = executor
        self._told = ""

    async def load_first(self) -> None:
        """Return once a version is in service."""
        while True:
            if await self._try():
                return
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _try(self) -> bool:
        try:
            version, folder = newest_version(self._base)
        except NoVersionError as error:
            self._warn(str(error))
            return False
        return await self._load(version, folder)

    async def _load(self, version: int, folder: Path) -> bool:
        if not self._model.has_failed(version):
            self._model.begin(version)
            self._model.loading(version)
        loop = asyncio.get_running_loop()
        try:
            servable = await loop.run_in_executor(self._executor, _load_warm, self._model.name, version, folder)
        except ServingError as error:
            self._model.failed(version, error)
            self._warn(f"Version {version} of {self._model.name} can't be loaded: {error}")
            return False
        self._model.available(servable)
        return True

    def _warn(self, trouble: str) -> None:
        if trouble != self._told:
            _log.warning("%s; looking again every second", trouble)
        self._told = trouble


def _load_warm(name: str, version: int, folder: Path) -> Servable:
    started = time.perf_counter()
    try:
        servable = load_servable(name, version, folder)
        warm_up(servable, folder)
    except ServingError:
        raise
    except Exception as error:
        _log.exception("version %d failed in a way that was not foreseen", version)
        raise InternalError(f"Loading failed: {type(error).__name__}") from error
    _log.info("%s version %d is available after %.1f s", name, version, time.perf_counter() - started)
    return servable
