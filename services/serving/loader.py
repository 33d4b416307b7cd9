"""Makes a version ready to answer: loads its files and replays its warm-up requests."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.serving.errors import InternalError, ServingError
from services.serving.monitoring import Monitoring
from services.serving.servable import Servable, load_servable
from services.serving.warmup import warm_up

_log = logging.getLogger(__name__)


class Loader:
    """Loads one version at a time, so that memory holds one more than is served and not several."""

    def __init__(self, monitoring: Monitoring, warms_up: bool) -> None:
        self._monitoring = monitoring
        self._warms_up = warms_up
        self._executor = ThreadPoolExecutor(1, "load")

    async def load(self, name: str, version: int, folder: Path) -> Servable:
        """Return a version that can answer.

        Raises:
            ServingError: It can't be loaded, or a warm-up request fails.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._load, name, version, folder)

    def close(self) -> None:
        """Begin nothing more; what runs is left alone."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _load(self, name: str, version: int, folder: Path) -> Servable:
        started = time.perf_counter()
        try:
            with self._monitoring.load(str(folder)):
                servable = load_servable(name, version, folder)
            if self._warms_up:
                warm_up(servable, folder, self._monitoring)
        except ServingError:
            raise
        except Exception as error:
            _log.exception("version %d failed in a way that was not foreseen", version)
            raise InternalError(f"Loading failed: {type(error).__name__}") from error
        _log.info("%s version %d is available after %.1f s", name, version, time.perf_counter() - started)
        return servable
