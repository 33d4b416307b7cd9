"""The fuzz targets: the generator, weight, batch size and parallelism of each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.fuzz.cases import Case
from tests.fuzz.compat_cases import compat_cases
from tests.fuzz.decoders import decoder_cases
from tests.fuzz.grpc_cases import grpc_cases
from tests.fuzz.heavy_cases import heavy_cases
from tests.fuzz.image_cases import image_cases
from tests.fuzz.openapi_cases import openapi_cases
from tests.fuzz.oracle import Documents
from tests.fuzz.parameters import parameter_cases
from tests.fuzz.raw_http_cases import raw_http_cases
from tests.fuzz.raw_websocket_cases import raw_websocket_cases
from tests.fuzz.redis_cases import redis_cases


@dataclass(frozen=True)
class Target:
    """A generator of cases and its schedule.

    Attributes:
        generate: Yields cases without end.
        weight: Share of the cases, in thousandths.
        batch: Number of cases generated and checked together.
        parallel: Number of cases sent concurrently.
    """

    generate: Callable[[Random], Iterator[Case]]
    weight: int
    batch: int = 50
    parallel: int = 8


def targets(documents: Documents) -> Mapping[str, Target]:
    """Return all targets by name.

    Args:
        documents: The OpenAPI documents of the services.
    """
    named = {service: dict(document) for service, document in documents.items()}
    return {
        "images": Target(image_cases, 220),
        "compat": Target(compat_cases, 120),
        "parameters": Target(parameter_cases, 190),
        "openapi": Target(partial(openapi_cases, documents=named), 80),
        "raw-http": Target(raw_http_cases, 140, parallel=16),
        "raw-websocket": Target(raw_websocket_cases, 90, parallel=16),
        "grpc": Target(grpc_cases, 80),
        "redis": Target(redis_cases, 25, batch=25, parallel=2),
        "decoders": Target(decoder_cases, 52, batch=100),
        "heavy": Target(heavy_cases, 3, batch=1, parallel=1),
    }


class Schedule:
    """The order of the batches, which depends on the seed only."""

    def __init__(self, chosen: Mapping[str, Target], seed: int) -> None:
        self._targets = chosen
        self._random = Random(f"{seed}/schedule")
        self._cases = {name: target.generate(Random(f"{seed}/{name}")) for name, target in chosen.items()}

    def next_batch(self, limit: int) -> tuple[str, list[Case]]:
        """Return the name of a target and its next cases, at most ``most``."""
        names = list(self._targets)
        weights = [self._targets[name].weight / self._targets[name].batch for name in names]
        name = self._random.choices(names, weights)[0]
        count = min(limit, self._targets[name].batch)
        return name, [case for case, _ in zip(self._cases[name], range(count), strict=False)]
