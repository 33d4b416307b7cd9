"""Concurrent clients of ``POST /predict``."""

import http.client
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from bench.harness.clients import Client
from bench.harness.run import Run, Scenario
from bench.harness.tables import Table, format_number, percentiles
from bench.harness.usage import Usage, background_cores, cpu_ms_per, difference, sample_cpu

_WARM_UP_S = 1.0
_ERROR_DELAY_S = 0.1


@dataclass
class ClientStats:
    """Responses to one client.

    Attributes:
        answered_ms: Durations of the requests that started and succeeded in the measured period.
        ended: Number of successful responses in the period, also to earlier requests.
        refused_ms: Durations of the rejected requests.
        errors: Number of errors by kind.
    """

    answered_ms: list[float] = field(default_factory=list)
    ended: int = 0
    refused_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


def measure(run: Run) -> dict[str, Any]:
    """Measure each number of clients. A client sends its next request after the response, or after ``Retry-After``."""
    scale = run.scale
    return {"by_clients": by_clients(run, "load", scale.clients, scale.load_s)}


def by_clients(run: Run, what: str, clients: Sequence[int], seconds: float) -> list[dict[str, Any]]:
    """Measure each number of clients for some seconds."""
    stack, images = run.stack(), [scene.jpeg for scene in run.images()]
    usage, measured = Usage(stack.pids), []
    with run.step(f"{what}: numbers of clients", len(clients)) as step:
        for number in clients:
            started = sample_cpu()
            all_stats, used = _run_clients(stack.gateway_port, images, number, seconds, usage)
            measured.append(
                {
                    **_figures(number, seconds, all_stats),
                    "cores": {name: cpu_s / seconds for name, cpu_s in used.items()},
                    "cpu_ms_per_response": cpu_ms_per(used, sum(stats.ended for stats in all_stats)),
                    "memory_mb": usage.memory_mb(),
                    "background_cores": background_cores(started, sample_cpu()),
                }
            )
            step.advance()
    return measured


def _run_clients(
    port: int, images: Sequence[bytes], clients: int, seconds: float, usage: Usage
) -> tuple[list[ClientStats], dict[str, float]]:
    """Return the responses of each client, and the processor seconds used in the measured period."""
    count_from = monotonic() + _WARM_UP_S
    until = count_from + seconds
    all_stats = [ClientStats() for _ in range(clients)]
    threads = [
        threading.Thread(
            target=_run_client, args=(port, [*images[index % len(images) :], *images], stats, count_from, until)
        )
        for index, stats in enumerate(all_stats)
    ]
    for thread in threads:
        thread.start()
    sleep(_WARM_UP_S)
    cpu_before = usage.cpu_s()
    sleep(max(0.0, until - monotonic()))
    used = difference(cpu_before, usage.cpu_s())
    for thread in threads:
        thread.join()
    return all_stats, used


def _run_client(port: int, images: Sequence[bytes], stats: ClientStats, count_from: float, until: float) -> None:
    """Send one image after the other; only requests within the measured period count."""
    client, sent = Client(port), 0
    while (started := monotonic()) < until:
        failure: str | None
        try:
            answer = client.upload(images[sent % len(images)])
        except (OSError, http.client.HTTPException) as error:
            client.close()
            failure, wall_ms, pause_s = type(error).__name__, 0.0, _ERROR_DELAY_S
        else:
            failure, wall_ms, pause_s = answer.failure, answer.wall_ms, answer.retry_after_s
        sent += 1
        stats.ended += failure is None and count_from <= monotonic() < until
        if count_from <= started and monotonic() < until:
            if failure is None:
                stats.answered_ms.append(wall_ms)
            else:
                stats.refused_ms.append(wall_ms)
                stats.errors[failure] += 1
        if failure is not None:
            sleep(max(0.0, min(pause_s, until - monotonic())))
    client.close()


def _figures(clients: int, seconds: float, all_stats: Sequence[ClientStats]) -> dict[str, Any]:
    answered = [ms for stats in all_stats for ms in stats.answered_ms]
    errors = sum((stats.errors for stats in all_stats), Counter[str]())
    return {
        "clients": clients,
        "responses_per_s": len(answered) / seconds,
        "answered_ms": percentiles(answered),
        "refused_ms": percentiles(ms for stats in all_stats for ms in stats.refused_ms),
        "errors": dict(errors),
        "clients_without_response": sum(not stats.answered_ms for stats in all_stats),
    }


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a table of responses, and one of memory."""
    measured = result["by_clients"]
    answers = [
        (
            str(of["clients"]),
            format_number(of["responses_per_s"]),
            *(format_number(of["answered_ms"][name], 0) for name in ("p50", "p95", "p99")),
            ", ".join(f"{count} {kind}" for kind, count in of["errors"].items()) or "none",
            format_number(of["refused_ms"]["p50"], 0),
        )
        for of in measured
    ]
    columns = ("clients", "answers/s", "ms p50", "p95", "p99", "errors", "ms p50 of a rejection")
    names = list(measured[0]["memory_mb"])
    memory = [(str(of["clients"]), *(format_number(of["memory_mb"][name], 0) for name in names)) for of in measured]
    return [
        Table("Load: clients on POST /predict", columns, answers),
        Table("Load: memory afterwards, MB", ("clients", *names), memory),
    ]


SCENARIO = Scenario("1 to 64 concurrent clients", measure, tables)
