"""Generators yield the same cases for the same seed, and all cases can be written to a file."""

from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

import httptools
import pytest
from fastapi import FastAPI

from services.contracts.messages import MalformedMessageError
from services.gateway.app import create_app
from services.gateway.settings import CompatApi, GatewaySettings
from services.runtime.app import ServiceContext
from tests.fuzz.cases import Case, Decoding, Exchange, dump, load
from tests.fuzz.decoders import DECODERS, fault_of
from tests.fuzz.heavy_cases import BODY_BYTES
from tests.fuzz.image_cases import jpeg_segments, png_chunks, riff_chunks, samples
from tests.fuzz.mutation import mutated, split_at_random
from tests.fuzz.parameters import ROUTES
from tests.fuzz.targets import Schedule, Target, targets

SEED = 3


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app: FastAPI = create_app(GatewaySettings.model_validate({"compat_apis": ",".join(CompatApi)}), ServiceContext())
    return app.openapi()


@pytest.fixture(scope="module")
def every(document: dict[str, Any]) -> dict[str, Target]:
    few = {path: document["paths"][path] for path in ("/predict", "/cameras/{camera}/video", "/analyze")}
    return dict(targets({"gateway": {**document, "paths": few}}))


def cases_of(target: Target, seed: int, count: int = 60) -> list[Case]:
    return list(islice(target.generate(Random(seed)), count))


EACH = pytest.mark.parametrize("name", [name for name in targets({}) if name != "heavy"])


@EACH
def test_same_seed_gives_the_same_cases(every: dict[str, Target], name: str) -> None:
    assert cases_of(every[name], SEED) == cases_of(every[name], SEED)
    assert cases_of(every[name], SEED) != cases_of(every[name], SEED + 1)


@EACH
def test_cases_can_be_written_and_loaded(every: dict[str, Target], name: str) -> None:
    cases = cases_of(every[name], SEED)
    assert load(dump(cases, {"seed": SEED})) == cases


def test_order_of_targets_depends_on_the_seed_only(every: dict[str, Target]) -> None:
    cheap = {name: every[name] for name in ("raw-http", "parameters", "grpc")}

    def order(seed: int) -> list[tuple[str, int]]:
        schedule = Schedule(cheap, seed)
        return [(name, len(batch)) for name, batch in (schedule.next_batch(20) for _ in range(30))]

    assert order(1) == order(1) != order(2)
    assert {name for name, _ in order(1)} == set(cheap)
    assert all(count == 20 for _, count in order(1))


@pytest.mark.parametrize("name", ["images", "compat", "parameters", "openapi"])
def test_complete_exchange_is_one_request(every: dict[str, Target], name: str) -> None:
    """A service may reject anything else, or not respond."""
    exchanges = [case.action for case in cases_of(every[name], SEED, 150) if isinstance(case.action, Exchange)]
    complete = [exchange for exchange in exchanges if exchange.complete]
    assert len(complete) > 50
    for exchange in complete:
        assert _requests_in(b"".join(exchange.pieces)) == 1, exchange


def _requests_in(data: bytes) -> int:
    ended: list[None] = []

    class Protocol:
        def on_message_complete(self) -> None:
            ended.append(None)

    httptools.HttpRequestParser(Protocol()).feed_data(data)
    return len(ended)


def test_heavy_bodies_fit_the_limit() -> None:
    for case in islice(targets({})["heavy"].generate(Random(SEED)), 25):
        if isinstance(case.action, Exchange) and case.action.complete:
            head, _, body = b"".join(case.action.pieces).partition(b"\r\n\r\n")
            assert len(body) <= BODY_BYTES
            assert b"Content-Length: %d" % len(body) in head


def test_every_operation_of_the_gateway_gets_unusual_parameters(document: dict[str, Any]) -> None:
    fuzzed = {path.partition("{")[0] for _, path, _ in ROUTES["gateway"]}
    others = {"/analyze", "/api/v1/detection/detect"}  # in tests.fuzz.compat_cases
    missing = [
        path
        for path in document["paths"]
        if path not in others and not any(path.startswith(prefix) for prefix in fuzzed if prefix != "/")
    ]
    assert missing == ["/"]


def test_every_decoder_accepts_some_messages(every: dict[str, Target]) -> None:
    decodings = [case.action for case in cases_of(every["decoders"], SEED, 300) if isinstance(case.action, Decoding)]
    assert {decoding.decoder for decoding in decodings} == set(DECODERS)
    read = {decoding.decoder for decoding in decodings if _is_read(decoding)}
    assert {"frame", "camera status", "frame id", "roi"} <= read


def _is_read(decoding: Decoding) -> bool:
    try:
        DECODERS[decoding.decoder](dict(decoding.fields))
    except (MalformedMessageError, ValueError, TypeError):
        return False
    return True


def test_other_exception_of_a_decoder_is_a_fault() -> None:
    def decode(fields: dict[bytes, bytes]) -> None:
        if b"long" in fields:
            raise MalformedMessageError("x" * 5000)
        raise KeyError("x")

    planted = {"planted": decode}
    assert fault_of(Decoding("planted", ()), planted) == "planted raised KeyError"
    assert "5,000 characters" in str(fault_of(Decoding("planted", ((b"long", b""),)), planted))


def test_image_parts_join_to_the_image() -> None:
    for data in samples():
        if data[:2] == b"\xff\xd8":
            assert b"\xff\xd8" + b"".join(jpeg_segments(data)) == data
        elif data[:4] == b"RIFF":
            assert data[:12] + b"".join(riff_chunks(data)) == data
        else:
            assert data[:8] + b"".join(png_chunks(data)) == data


def test_pieces_join_to_the_input() -> None:
    random = Random(SEED)
    for size in (0, 1, 2, 50):
        data = random.randbytes(size)
        assert all(b"".join(split_at_random(data, random)) == data for _ in range(50))


def test_mutation_nearly_always_changes_the_input() -> None:
    random = Random(SEED)
    changed: Iterator[bool] = (mutated(b"0123456789" * 5, random) != b"0123456789" * 5 for _ in range(200))
    assert sum(changed) > 150
