"""Memory of each process after thousands of requests: it must not keep growing."""

from collections.abc import Mapping
from typing import Any

import cv2

from bench.harness.clients import Client
from bench.harness.run import Run, Scenario
from bench.harness.tables import Table, format_number
from bench.harness.usage import Usage
from bench.scenes.faces import portrait_around, read_portraits

_SHRUNK = 0.6


def measure(run: Run) -> dict[str, Any]:
    """Upload two small images alternately, one request after the other."""
    stack, stops = run.stack(), sorted(run.scale.requests)
    usage, client, images = Usage(stack.pids), Client(stack.gateway_port), _images()
    at: dict[str, dict[str, float]] = {"0": usage.memory_mb()}
    for number in run.track("memory", range(1, stops[-1] + 1), stops[-1]):
        client.upload_with_retries(images[number % len(images)])
        if number in stops:
            at[str(number)] = usage.memory_mb()
    client.close()
    first, last = at[str(stops[0])], at[str(stops[-1])]
    return {"memory_mb": at, "growth": {name: last[name] / first[name] - 1 for name in first}}


def _images() -> list[bytes]:
    """Return small JPEGs of a face, so that many requests take little time."""
    jpegs = []
    for portrait in read_portraits().values():
        around = portrait_around(portrait.face)
        part = portrait.pixels[max(0, around.y) : around.y + around.h, max(0, around.x) : around.x + around.w]
        jpegs.append(cv2.imencode(".jpg", cv2.resize(part, None, fx=_SHRUNK, fy=_SHRUNK))[1].tobytes())
    return jpegs


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a row for each process."""
    at = result["memory_mb"]
    rows = [
        (name, *(format_number(of[name]) for of in at.values()), f"{growth:+.1%}")
        for name, growth in result["growth"].items()
    ]
    columns = ("", *(f"after {number}" for number in at), "growth")
    return [Table("Memory by number of requests, MB", columns, rows)]


SCENARIO = Scenario("memory after thousands of requests", measure, tables)
