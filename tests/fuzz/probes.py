"""Valid requests, which must succeed whatever was sent before."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count

from tests.fuzz.cases import Call, Exchange, Service, request
from tests.fuzz.grpc_cases import PREDICT, valid_predict
from tests.fuzz.http_response import NotHttpError, parse
from tests.fuzz.sender import PROBE_SOURCE, Sender
from tests.support import images

MAX_RECOVERY_S = 12.0
"""Time for services to become available again if they are busy with earlier requests."""

_JPEG = [("Content-Type", "image/jpeg")]


@cache
def _portrait() -> bytes:
    return images.encode(images.scene((images.portrait(side=360), 150, 60), width=640, height=480))


@dataclass(frozen=True)
class Probe:
    """A valid request.

    Attributes:
        exchange: The request.
        check: Whether the body of a 200 response is correct.
    """

    exchange: Exchange
    check: Callable[[bytes], bool]

    @property
    def name(self) -> str:
        """The name in the report."""
        return f"{self.exchange.service} {self.exchange.pieces[0].partition(b' HTTP')[0].decode()}"


@cache
def _stack_probes() -> tuple[Probe, ...]:
    rows = json.dumps({"instances": [[[[0.5]] * 48] * 48]}).encode()
    return (
        _probe("gateway", request("POST", "/predict", _JPEG, _portrait()), _has_faces),
        _probe("gateway", request("GET", "/predict?camera=cam0"), _has_faces),
        _probe("detector", request("POST", "/detect", _JPEG, _portrait()), _has_faces),
        _probe("gateway", request("GET", "/cameras"), lambda body: b'"cam0"' in body),
        _probe("serving", request("POST", "/v1/models/emotion:predict", [], rows), lambda body: b"predictions" in body),
        _probe("capture", request("GET", "/healthz"), bool),
    )


def _probe(service: Service, sent: bytes, check: Callable[[bytes], bool]) -> Probe:
    return Probe(Exchange(service, (sent,), complete=True), check)


def _has_faces(body: bytes) -> bool:
    return bool(json.loads(body)["faces"])


class Probes:
    """Sends valid requests in turn."""

    def __init__(self, probes: Sequence[Probe] = ()) -> None:
        self._probes = probes or _stack_probes()
        self._calls = not probes
        self._turn = 0

    async def next_fault(self, sender: Sender) -> str | None:
        """Send the next probe; return a fault if it doesn't succeed in time."""
        self._turn += 1
        if self._calls and self._turn % (len(self._probes) + 1) == 0:
            return await _retry_until_none(lambda: _call_fault(sender))
        probe = self._probes[self._turn % len(self._probes)]
        return await _retry_until_none(lambda: _exchange_fault(sender, probe))


async def _retry_until_none(probe_once: Callable[[], Awaitable[str | None]]) -> str | None:
    deadline = time.monotonic() + MAX_RECOVERY_S
    fault = await probe_once()
    for pause_s in count(0.3, 0.3):
        if fault is None or time.monotonic() > deadline:
            break
        await asyncio.sleep(pause_s)
        fault = await probe_once()
    return fault


async def _exchange_fault(sender: Sender, probe: Probe) -> str | None:
    outcome, _ = await sender.exchange(probe.exchange, PROBE_SOURCE)
    try:
        responses, _ = parse(outcome.received)
    except NotHttpError as error:
        return f"a valid request to {probe.name}: {error}"
    if not responses:
        return f"a valid request to {probe.name} gets no response"
    if responses[0].status != 200:
        return f"a valid request to {probe.name} gets {responses[0].status}"
    return None if probe.check(responses[0].body) else f"a valid request to {probe.name} gets a wrong response"


async def _call_fault(sender: Sender) -> str | None:
    outcome = await sender.call(Call(PREDICT, valid_predict()))
    return None if outcome.status == "OK" else f"a valid gRPC call gets {outcome.status}"
