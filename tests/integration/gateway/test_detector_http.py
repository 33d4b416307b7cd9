"""The gateway's calls of detectors behind one name, over real sockets: shared out, and honest when some are gone."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from launcher.ports import free_port
from services.contracts.detection import Detection, DetectTimings, SearchScope
from services.contracts.geometry import Box, ImageSize
from services.contracts.problems import Problem, ProblemKind, ServiceError
from services.gateway.adapters.detector_http import DetectorClient
from services.gateway.adapters.load_balancing import EJECTION_S, BalancedTransport, CachingResolver
from services.gateway.protocols import Deadline

EMPTY = Detection(ImageSize(1, 1), SearchScope.FULL, (), DetectTimings(1, 1, 1, 3)).to_json()
BUSY = json.dumps(Problem(ProblemKind.OVERLOADED, "the queue is full").encode("id")).encode()
FIRST, SECOND = "127.0.0.1", "127.0.0.2"


class FakeDetectorServer:
    """Answers every request on one address with the same bytes, and counts them."""

    def __init__(self, status: str = "200 OK", body: bytes = EMPTY) -> None:
        self.answered = 0
        self.hosts: set[str] = set()
        self.asked: list[tuple[str, str | None]] = []
        self._answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        self._connections: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def at(self, address: str, port: int) -> "AsyncIterator[FakeDetectorServer]":
        server = await asyncio.start_server(self._serve, address, port)
        try:
            yield self
        finally:
            server.close()
            for connection in self._connections:
                connection.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
                await reader.readexactly(int(fields.get("content-length", 0)))
                self.hosts.add(fields["host"])
                self.asked.append((head.split(" ")[1], fields.get("x-reference-frame")))
                self.answered += 1
                writer.write(self._answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def detector(port: int, addresses: Sequence[str] | OSError) -> AsyncIterator[DetectorClient]:
    def resolve(_: str) -> Sequence[str]:
        if isinstance(addresses, OSError):
            raise addresses
        return addresses

    async with BalancedTransport(httpx.AsyncHTTPTransport(), CachingResolver("detector.test", resolve)) as transport:
        yield DetectorClient(transport, f"http://detector.test:{port}")


async def ask(detector: DetectorClient, seconds: float = 5) -> Detection:
    return await detector.detect(b"image", "image/jpeg", "id", Deadline.after(seconds))


async def test_two_detectors_share_the_images() -> None:
    port, first, second = free_port(), FakeDetectorServer(), FakeDetectorServer()
    async with first.at(FIRST, port), second.at(SECOND, port), detector(port, [FIRST, SECOND]) as both:
        for _ in range(10):
            await ask(both)
        await asyncio.gather(*(ask(both) for _ in range(10)))
    assert (first.answered, second.answered) == (10, 10)
    assert first.hosts == second.hosts == {f"detector.test:{port}"}


async def test_replica_that_stops_costs_no_response() -> None:
    port, first, second = free_port(), FakeDetectorServer(), FakeDetectorServer()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(second.at(SECOND, port))
        both = await stack.enter_async_context(detector(port, [FIRST, SECOND]))
        async with first.at(FIRST, port):
            await asyncio.gather(*(ask(both) for _ in range(6)))
        await asyncio.gather(*(ask(both) for _ in range(6)))
        await asyncio.gather(*(ask(both) for _ in range(6)))
    assert (first.answered, second.answered) == (3, 15)


async def test_replica_that_hangs_is_ejected() -> None:
    port, second = free_port(), FakeDetectorServer()
    with socket.create_server((FIRST, port)):  # it takes connections, and nothing more
        async with second.at(SECOND, port), detector(port, [FIRST, SECOND]) as both:
            outcomes = [await asyncio.gather(ask(both, 0.2), return_exceptions=True) for _ in range(8)]
            await asyncio.sleep(EJECTION_S)  # it is tried again then, but not by an image
            outcomes += [await asyncio.gather(ask(both), return_exceptions=True) for _ in range(2)]
    failures = [outcome for (outcome,) in outcomes if isinstance(outcome, ServiceError)]
    assert [failure.problem.kind for failure in failures] == [ProblemKind.DEPENDENCY_TIMEOUT]
    assert second.answered == 9


async def test_replica_that_recovers_is_used_again() -> None:
    port, first, second = free_port(), FakeDetectorServer(), FakeDetectorServer()
    async with second.at(SECOND, port), detector(port, [FIRST, SECOND]) as both:
        for _ in range(4):
            await ask(both)
        async with first.at(FIRST, port):
            await asyncio.sleep(EJECTION_S)
            for _ in range(4):
                await ask(both)
    assert first.answered == 1 + 2  # one sign of life
    assert second.answered == 4 + 2


async def test_search_regions_are_sent_as_the_detector_expects() -> None:
    port, server, deadline, face = free_port(), FakeDetectorServer(), Deadline.after(5), Box(1, 2, 30, 40)
    async with server.at(FIRST, port), detector(port, [FIRST]) as client:
        await client.detect(b"image", "image/jpeg", "id", deadline)
        await client.detect(b"image", "image/jpeg", "id", deadline, rois=[face])
        await client.detect(b"image", "image/jpeg", "id", deadline, reference="")
        await client.detect(b"image", "image/jpeg", "id", deadline, rois=[face], reference="aaaa")
    around = "/detect?roi=1,2,30,40&fallback=none"
    assert server.asked == [("/detect", None), (around, None), ("/detect", ""), (around, "aaaa")]


async def test_a_dead_keep_alive_connection_costs_no_answer() -> None:
    port, server = free_port(), FakeDetectorServer()
    async with detector(port, [FIRST]) as client:
        for _ in range(3):
            async with server.at(FIRST, port):
                await ask(client)
    assert server.answered == 3


@pytest.mark.parametrize(
    "addresses",
    [[FIRST], ["192.0.2.1"], socket.gaierror(socket.EAI_NONAME, "no such name"), OSError("the resolver is broken")],
    ids=["nobody listens", "nobody answers", "no such name", "no resolver"],
)
async def test_unreachable_server_is_reported_soon(addresses: Sequence[str] | OSError) -> None:
    async with detector(free_port(), addresses) as client:
        with pytest.raises(ServiceError) as gone:
            await ask(client)
    assert gone.value.problem.kind is ProblemKind.DEPENDENCY_UNAVAILABLE
    assert gone.value.problem.extensions == {"dependency": "detector"}


async def test_overloaded_detector_is_named() -> None:
    port = free_port()
    async with (
        FakeDetectorServer("503 Service Unavailable", BUSY).at(FIRST, port),
        detector(port, [FIRST]) as client,
    ):
        with pytest.raises(ServiceError) as refused:
            await ask(client)
    assert refused.value.problem.kind is ProblemKind.OVERLOADED
    assert refused.value.problem.extensions == {"dependency": "detector"}
    assert "the queue is full" in str(refused.value)


async def test_one_ready_detector_is_enough() -> None:
    port = free_port()
    async with (
        FakeDetectorServer("503 Service Unavailable", b"not yet").at(FIRST, port),
        FakeDetectorServer(body=b"{}").at(SECOND, port),
        detector(port, [FIRST, SECOND]) as client,
    ):
        assert [await client.check() for _ in range(4)] == ["ready"] * 4


FACE = {"box": {"x": 0, "y": 0, "w": 9, "h": 9}, "weight": 1.0, "sharpness": 0.5, "pixels": "A" * 3072}
OK = json.loads(EMPTY)


@pytest.mark.parametrize(
    "body",
    [
        b"x" * (17 * 1024 * 1024),
        b"[" * 1_000_000,
        b'{"image": ' * 10_000,
        b"[" + b"[]," * 5_000_000 + b"1]",
        b'{"image": ' + b"9" * 5000 + b"}",
        b"\xff" * 1_000_000,
        b"[]",
        json.dumps({**OK, "faces": [FACE] * 1001}).encode(),
        json.dumps({**OK, "reference": "A" * 1_000_000}).encode(),
        json.dumps({**OK, "scope": "\x1b]52;c;YWJj\x07" * 1000}).encode(),
    ],
    ids=["too large", "deep", "cut off", "many", "digits", "bytes", "array", "faces", "reference", "escapes"],
)
@pytest.mark.parametrize("status", ["200 OK", "422 Unprocessable Entity", "500 Internal Server Error"])
async def test_an_invalid_answer_is_a_short_problem(status: str, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    async with FakeDetectorServer(status, body).at(FIRST, port), detector(port, [FIRST]) as client:
        with pytest.raises(ServiceError) as caught:
            await ask(client)
    assert caught.value.problem.kind is ProblemKind.DEPENDENCY_UNAVAILABLE
    assert len(caught.value.problem.detail) < 1000
    assert caught.value.problem.detail.isprintable()
    logged = [record.getMessage() for record in caplog.records]
    assert all(len(line) < 1000 and line.isprintable() for line in logged)
    assert all(record.exc_info is None for record in caplog.records)


async def test_a_compressed_answer_is_not_decompressed() -> None:
    port, server = (
        free_port(),
        FakeDetectorServer("200 OK\r\nContent-Encoding: gzip", gzip.compress(b" " * 100_000_000 + EMPTY)),
    )
    async with server.at(FIRST, port), detector(port, [FIRST]) as client:
        with pytest.raises(ServiceError):
            await ask(client)
    assert server.answered == 1
