"""A minimal service on the runtime, with routes for tests of the runtime and of the fuzzer."""

import asyncio
import gc
import logging
import os
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Form, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import Field
from pydantic_settings import SettingsConfigDict
from starlette.exceptions import HTTPException

from services.contracts.problems import ProblemKind, ServiceError
from services.runtime.app import ServiceContext, create_service_app
from services.runtime.connections import ConnectionLimits
from services.runtime.logs import configure_logging
from services.runtime.server import serve
from services.runtime.settings import ServiceSettings, load_settings_or_exit


def faults_router() -> APIRouter:
    """Return routes with faults that the fuzzer must detect; kept objects live as long as the router."""
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


BODY_LIMIT = 64 * 1024
SECRET = "what only the log may say"
_log = logging.getLogger(__name__)


class TinySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="EMOTION_TINY_")

    port: int = Field(0, ge=0, le=65535)
    start_s: float = 0
    names: tuple[str, ...] = ()
    limits: dict[str, Any] = Field({})
    descriptors: int = 0


def create_app(settings: TinySettings, context: ServiceContext) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        _log.info("opening")
        try:
            await asyncio.sleep(settings.start_s)
            yield
        finally:
            _log.info("closed")

    app = create_service_app("tiny", context, lifespan, settings.origin_policy, BODY_LIMIT)
    held = list[int]()

    @app.get("/items/{item}")
    async def get_item(item: int, size: int = 1) -> int:
        return item * size

    @app.post("/items/{item}")
    async def post_item(item: int) -> int:
        return item

    @app.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @app.post("/json")
    async def json(value: Annotated[dict[str, str], Body()]) -> int:
        return len(value)

    @app.post("/form")
    async def form(value: Annotated[str, Form()]) -> int:
        return len(value)

    @app.get("/problem/{kind}")
    async def problem(kind: str) -> None:
        raise ServiceError(ProblemKind[kind], "expected", hint="h")

    @app.get("/status/{status}")
    async def status(status: int) -> None:
        raise HTTPException(status, "expected", {"X-Kept": "yes"})

    @app.get("/fail")
    async def fail() -> None:
        raise RuntimeError(SECRET)

    @app.get("/fail-late")
    async def fail_late() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first part"
            raise RuntimeError(SECRET)

        return StreamingResponse(parts())

    @app.post("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first part"
            await asyncio.Event().wait()

        return StreamingResponse(parts())

    @app.post("/descriptors/{count}")
    async def hold_descriptors(count: int) -> int:
        """Open this many files, or as many as possible, and close those of the previous call."""
        for file in held:
            os.close(file)
        held.clear()
        with suppress(OSError):
            held.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(count))
        return len(held)

    @app.get("/frozen")
    async def frozen() -> int:
        return gc.get_freeze_count()

    @app.post("/headers")
    async def headers(request: Request) -> list[str]:
        """Return the names of the request's headers after its body is read."""
        await request.body()
        return [name.decode("latin-1") for name, _ in request.scope["headers"]]

    @app.get("/flood")
    async def flood() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield bytes(10_000)
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    @app.get("/bytes/{count}")
    async def some_bytes(count: int) -> Response:
        return Response(bytes(count))

    @app.get("/sleep/{seconds}")
    async def sleep(seconds: float) -> str:
        _log.info("asleep")
        await asyncio.sleep(seconds)
        return "slept"

    app.include_router(faults_router())
    return app


def main() -> None:
    settings = load_settings_or_exit(TinySettings)
    configure_logging("tiny", settings.log_level, settings.log_format)
    context = ServiceContext()
    if settings.descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (settings.descriptors, settings.descriptors))
    serve(create_app(settings, context), settings, context, limits=ConnectionLimits(**settings.limits))


if __name__ == "__main__":
    main()
