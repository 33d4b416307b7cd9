"""The detector's client: the time that a request states."""

import json

import httpx
import pytest

from services.contracts.detection import REQUEST_TIMEOUT_HEADER
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.adapters.detector_http import DetectorClient
from services.gateway.protocols import Deadline


class BrokenConnection(httpx.AsyncBaseTransport):
    """Fails after some time, so many times, and then answers with a problem."""

    def __init__(self, failures: int, seconds: float) -> None:
        self.now_s = 100.0
        self.timeouts_ms: list[int] = []
        self._failures = failures
        self._seconds = seconds

    def clock(self) -> float:
        return self.now_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.timeouts_ms.append(int(request.headers[REQUEST_TIMEOUT_HEADER]))
        self.now_s += self._seconds
        if len(self.timeouts_ms) <= self._failures:
            raise httpx.ReadError("closed")
        problem = {"type": ProblemKind.OVERLOADED.type, "detail": "busy"}
        return httpx.Response(503, stream=httpx.ByteStream(json.dumps(problem).encode()))


@pytest.mark.parametrize(("failures", "kind"), [(1, "overloaded"), (2, "dependency-unavailable")])
async def test_one_retry_states_the_remaining_time(failures: int, kind: str) -> None:
    transport = BrokenConnection(failures, seconds=0.25)
    client = DetectorClient(transport, "http://detector.test")
    with pytest.raises(ServiceError) as error:
        await client.detect(b"image", "image/jpeg", "id", Deadline.after(1.0, transport.clock))
    assert error.value.problem.kind.value.slug == kind
    assert transport.timeouts_ms == [1000, 750]
