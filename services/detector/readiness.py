"""Whether the detector does its work now: an idle pool is tried, a busy one must be getting on."""

import cv2
import numpy as np

from services.detector.pool import DetectorPool
from services.detector.where import Where

STUCK_AFTER_S = 5.0
_PROBE_SIDE_PX = 64


class PoolCheck:
    """Looks at the pool for ``/readyz``."""

    required = True

    def __init__(self, pool: DetectorPool, stuck_after_s: float = STUCK_AFTER_S) -> None:
        self._pool = pool
        self._stuck_after_s = stuck_after_s
        blank = np.zeros((_PROBE_SIDE_PX, _PROBE_SIDE_PX), np.uint8)
        self._probe = cv2.imencode(".png", blank)[1].tobytes()

    async def __call__(self) -> str:
        """Return how busy the pool is; raise where nothing was finished for long."""
        if self._pool.in_flight == 0:
            await self._pool.detect(self._probe, Where())
            return "idle"
        if self._pool.seconds_since_progress > self._stuck_after_s:
            raise RuntimeError(f"nothing was finished for {self._pool.seconds_since_progress:.0f} s")
        return f"{self._pool.in_flight} in flight"
