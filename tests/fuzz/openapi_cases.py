"""Valid and invalid requests that Schemathesis generates from the OpenAPI documents of the services."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from random import Random
from typing import Any
from urllib.parse import urlencode

import schemathesis
from httpx import Request
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.errors import SchemathesisError

from tests.fuzz.cases import Case, Exchange, Service, request
from tests.fuzz.strategy_values import strategy_values

_AT_ONCE = 10
"""Values generated at once for an operation; there are about forty operations, and generation is slow."""

_BASE_URL = "http://127.0.0.1"
_OWN_HEADERS = (
    "host",
    "content-length",
    "accept",
    "accept-encoding",
    "connection",
    "user-agent",
    "transfer-encoding",
    "x-schemathesis-testcaseid",
)
"""Set by the sender, or different each time."""

_BOUNDARY = re.compile(rb"boundary=([0-9a-f]{32})")

schemathesis.serializer.alias("application/x-amz-json-1.1", "application/json")


def openapi_cases(random: Random, documents: Mapping[Service, dict[str, Any]]) -> Iterator[Case]:
    """Yield requests for every operation of these OpenAPI documents in turn.

    Args:
        random: The source of seeds.
        documents: The OpenAPI documents by service.
    """
    streams = [stream for service, document in documents.items() for stream in _streams(service, document, random)]
    while streams:
        for stream in list(streams):
            case = next(stream, None)
            if case is None:
                streams.remove(stream)
            else:
                yield case


def _streams(service: Service, document: dict[str, Any], random: Random) -> Iterator[Iterator[Case]]:
    schema = schemathesis.openapi.from_dict(document)
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result.err()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                strategy = result.ok().as_strategy(generation_mode=mode)
            except SchemathesisError:  # Schemathesis can't write the media type
                continue
            yield chain.from_iterable(_cases(service, one) for one in strategy_values(strategy, random, _AT_ONCE))


def _cases(service: Service, generated: schemathesis.Case[Any]) -> Iterator[Case]:
    try:
        sent = _encoded(generated)
    except (SchemathesisError, AttributeError, TypeError, ValueError):  # requests that can't be written are skipped
        return
    yield Case("openapi", Exchange(service, (sent,), complete=True))


def _encoded(generated: schemathesis.Case[Any]) -> bytes:
    """Return the bytes of a request."""
    options = generated.as_transport_kwargs(base_url=_BASE_URL)
    body = {name: options[name] for name in ("json", "files") if options.get(name) is not None}
    data = options.get("data")
    if isinstance(data, dict | list):
        body["content"] = urlencode(data, doseq=True).encode()
    elif data is not None:
        body["content"] = data if isinstance(data, bytes) else str(data).encode()
    prepared = Request(
        options["method"], options["url"], params=options.get("params"), headers=options["headers"], **body
    )
    headers = [(name, value) for name, value in prepared.headers.raw if name.decode().lower() not in _OWN_HEADERS]
    content = prepared.read()
    for boundary in _BOUNDARY.findall(b"".join(value for _, value in headers)):  # random
        headers = [(name, value.replace(boundary, b"frontier")) for name, value in headers]
        content = content.replace(boundary, b"frontier")
    named = [(name.decode("latin-1"), value) for name, value in headers]
    return request(prepared.method, prepared.url.raw_path.decode("ascii"), named, content)
