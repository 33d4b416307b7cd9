"""Routes that do what a service must not, for tests of what has to see it."""

import os
import sys
import time

from fastapi import APIRouter
from fastapi.responses import HTMLResponse


def faults_router() -> APIRouter:
    """Return the routes; what they keep lives as long as the router."""
    router = APIRouter()
    kept: list[object] = []

    @router.get("/keep/{megabytes}")
    async def keep(megabytes: int) -> int:
        kept.append(bytearray(b"x" * (megabytes * 1_000_000)))
        return len(kept)

    @router.get("/open/{count}")
    async def open_files(count: int) -> int:
        kept.extend(os.open("/dev/null", os.O_RDONLY) for _ in range(count))
        return len(kept)

    @router.get("/log/{lines}")
    async def log(lines: int) -> int:
        sys.stderr.write("past every limit of our own logging\n" * lines)
        sys.stderr.flush()
        return lines

    @router.get("/block/{seconds}")
    async def block(seconds: float) -> float:
        time.sleep(seconds)  # noqa: ASYNC251 - the fault
        return seconds

    @router.get("/exit")
    async def leave() -> None:
        os._exit(3)

    @router.get("/html")
    async def html() -> HTMLResponse:
        return HTMLResponse("<p>without a policy</p>")

    return router
