"""What many viewers and many sessions leave behind: nothing. Over real sockets."""

import asyncio
import gc
import os
import resource
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import httpx
import pytest

from services.gateway.app import create_app
from services.gateway.live.broadcast import ResultBroadcaster, Subscriber
from services.gateway.live.frame_source import FrameSource
from services.gateway.live.session import LiveSession
from services.gateway.protocols import KnownCamera
from services.gateway.settings import GatewaySettings
from services.runtime.app import ServiceContext
from services.runtime.server import DrainingServer, server_config
from tests.support.gateway_fakes import ONLINE, FakeFrames, FakeServices, frame
from tests.support.live_harness import eventually
from tests.support.stack import Stack, another_gateway
from tests.support.waiting import DEFAULT_TIMEOUT_S

VIEWERS = 500
SESSIONS = 100
NOBODY = {"gateway_viewers": 0.0, "gateway_live_sessions": 0.0, "gateway_in_flight": 0.0}
_FRAME_EVERY_S = 0.2
_OF_A_VIEWER = (Subscriber, ResultBroadcaster, LiveSession, FrameSource)
_SPARE_DESCRIPTORS = 200
_CONNECTIONS_KEPT = 10
"""To Redis, the detector and the model server, in the gateway's pools, and those of who asks for its metrics."""


class Held(NamedTuple):
    """What this process holds."""

    tasks: int
    descriptors: int
    threads: int


class Size(NamedTuple):
    """What this process takes."""

    objects: int
    resident_bytes: int


@pytest.fixture(autouse=True)
def descriptors() -> None:
    """Both ends of each connection are this process's."""
    needed = 2 * VIEWERS + _SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.fail(f"needs {needed} file descriptors, the system allows {hard}: see ulimit -Hn")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def held() -> Held:
    return Held(len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), threading.active_count())


def size() -> Size:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Size(len(gc.get_objects()), pages * os.sysconf("SC_PAGE_SIZE"))


def left_of_viewers() -> list[str]:
    gc.collect()
    return [type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, _OF_A_VIEWER)]


@asynccontextmanager
async def cameras(names: Sequence[str]) -> AsyncIterator[FakeFrames]:
    """Let each camera have a new frame now and then."""
    store = FakeFrames()

    async def film() -> None:
        for number in count():
            for name in names:
                store.cameras[name] = KnownCamera(name, ONLINE, frame(f"{1_700_000_000_000 + number}-0"))
            await asyncio.sleep(_FRAME_EVERY_S)

    filming = asyncio.create_task(film())
    try:
        yield store
    finally:
        filming.cancel()
        await asyncio.wait([filming])


@asynccontextmanager
async def served(services: FakeServices, **settings: object) -> AsyncIterator[int]:
    """Serve a gateway in this very loop, on a real socket; yield its port."""
    context = ServiceContext()
    app = create_app(GatewaySettings.model_validate(settings), context, services.open)
    with socket.create_server(("127.0.0.1", 0), backlog=VIEWERS) as listening:
        server = DrainingServer(server_config(app, stop_timeout_s=5), context.shutdown, drain_s=0)
        serving = asyncio.create_task(server.serve([listening]))
        try:
            await eventually(lambda: server.started or serving.done(), "the gateway to start")
            yield int(listening.getsockname()[1])
        finally:
            context.shutdown.start()
            await serving


async def let_go_but_for(kept: Held) -> None:
    def let_go() -> bool:
        return all(now <= then for now, then in zip(held(), kept, strict=True))

    await eventually(let_go, f"no more than {kept} to be held")


async def watch(port: int, address: str, seen: asyncio.Barrier) -> None:
    """Follow a camera until everybody has got a result, then hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET /cameras/{address} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert b" 200 " in await reader.readline()
        while await reader.readline() != b"event: result\n":
            pass
        await seen.wait()
    finally:
        writer.close()
        await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])


async def watch_all(port: int, addresses: Sequence[str]) -> None:
    seen = asyncio.Barrier(len(addresses))
    async with asyncio.timeout(DEFAULT_TIMEOUT_S), asyncio.TaskGroup() as viewers:
        for address in addresses:
            viewers.create_task(watch(port, address, seen))


async def gauges(port: int) -> dict[str, float]:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=DEFAULT_TIMEOUT_S
    ) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    names = ("gateway_viewers", "gateway_live_sessions", "gateway_in_flight")
    return {name: float(value) for name, value in (line.split() for line in lines if line.startswith(names))}


async def until_nobody_is_there(port: int) -> None:
    deadline = monotonic() + DEFAULT_TIMEOUT_S
    while (found := await gauges(port)) != NOBODY:
        assert monotonic() < deadline, found
        await asyncio.sleep(0.1)


async def test_viewers_and_sessions_leave_no_task_descriptor_thread_or_memory_behind() -> None:
    names = [f"cam{number}" for number in range(SESSIONS)]
    first = held()
    async with cameras(names) as store:
        services = FakeServices(frames=store)
        async with served(
            services, max_viewers=VIEWERS, max_viewers_per_client=VIEWERS, max_live_cameras=SESSIONS
        ) as port:

            async def one_round() -> None:
                await watch_all(port, ["cam0/events"] * VIEWERS)
                await watch_all(port, [f"{name}/events" for name in names])
                await eventually(lambda: not left_of_viewers(), "all sessions and viewers to be gone")
                assert await gauges(port) == NOBODY

            await gauges(port)
            idle = held()
            await one_round()
            await let_go_but_for(idle)
            size_after_one = size()
            await one_round()
            await let_go_but_for(idle)
            size_after_two = size()
            assert size_after_two.objects < 1.02 * size_after_one.objects
            assert size_after_two.resident_bytes < 1.05 * size_after_one.resident_bytes
    await let_go_but_for(first)


async def test_viewers_leave_nothing_behind_in_a_gateway_over_the_real_services(stack: Stack, tmp_path: Path) -> None:
    settings = {"EMOTION_GATEWAY_MAX_VIEWERS_PER_CLIENT": str(VIEWERS)}
    with another_gateway(stack, tmp_path, settings) as (gateway, client):
        assert client.base_url.port is not None
        port, before, resident_mb = client.base_url.port, gateway.descriptors(), list[float]()
        for _ in range(2):
            await watch_all(port, ["cam0/events?fps=1"] * VIEWERS)
            await until_nobody_is_there(port)
            assert gateway.descriptors() <= before + _CONNECTIONS_KEPT
            resident_mb.append(gateway.resident_mb())
        assert resident_mb[1] < 1.05 * resident_mb[0]
