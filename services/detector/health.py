"""The detector's readiness check and metrics."""

import struct
import zlib

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.detector.options import DetectOptions
from services.detector.pool import DetectorPool
from services.detector.worker_process import WorkerEnd
from services.detector.worker_protocol import DetectReply
from services.runtime.metrics import LATENCY_BUCKETS_S

STUCK_AFTER_S = 5.0
_PROBE_SIDE_PX = 64


class PoolCheck:
    """Readiness: an idle pool must detect faces in a probe image, and a busy one must make progress."""

    required = True

    def __init__(self, pool: DetectorPool, stuck_after_s: float = STUCK_AFTER_S) -> None:
        self._pool = pool
        self._stuck_after_s = stuck_after_s
        self._probe = _black_png(_PROBE_SIDE_PX)

    async def __call__(self) -> str:
        """Return how busy the pool is; raise if no image was finished for too long."""
        if self._pool.in_flight == 0:
            await self._pool.detect(self._probe, DetectOptions())
            return "idle"
        if self._pool.seconds_since_progress > self._stuck_after_s:
            raise RuntimeError(f"no image was finished for {self._pool.seconds_since_progress:.0f} s")
        return f"{self._pool.in_flight} in flight"


class DetectorMetrics:
    """Faces found, images by search scope, seconds by step, and replaced workers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._faces = Counter("detector_faces", "Faces found", registry=registry)
        self._searches = Counter("detector_searches", "Images searched", ["scope"], registry=registry)
        self._seconds = Histogram(
            "detector_step_seconds", "Time of each step", ["step"], buckets=LATENCY_BUCKETS_S, registry=registry
        )
        self._ends = Counter("detector_workers_replaced", "Worker processes replaced", ["reason"], registry=registry)
        for end in WorkerEnd:
            self._ends.labels(end.value)

    def observe(self, reply: DetectReply) -> None:
        """Count one image."""
        self._faces.inc(reply.faces)
        self._searches.labels(reply.scope.value).inc()
        for step, seconds in reply.seconds.items():
            self._seconds.labels(step).observe(seconds)

    def worker_ended(self, end: WorkerEnd) -> None:
        """Count one worker process that ended and is replaced."""
        self._ends.labels(end.value).inc()


def _black_png(side_px: int) -> bytes:
    """Return a black square, uint8 [side_px, side_px], as PNG."""
    rows = zlib.compress(bytes(side_px * (1 + side_px)))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
