"""Several clients at once on ``POST /predict``."""

import http.client
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from bench.harness.clients import Client
from bench.harness.run import Part, Run
from bench.harness.tables import Table, figures, shown
from bench.harness.usage import Usage, between, cpu_ms_each, now, others_cores

_WARM_UP_S = 1.0
_NO_ANSWER_PAUSE_S = 0.1


@dataclass
class Tally:
    """What one client got.

    Attributes:
        answered_ms: Of what was asked and answered between the two moments.
        ended: The answers that came between them, also to what was asked before.
        refused_ms: As ``answered_ms``, of refusals.
        errors: Their kinds.
    """

    answered_ms: list[float] = field(default_factory=list)
    ended: int = 0
    refused_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


def measure(run: Run) -> dict[str, Any]:
    """Let so many clients ask, then more. Each asks anew when it has its answer, or once it may after a refusal."""
    scale = run.scale
    return {"by_clients": by_clients(run, "load", scale.clients, scale.load_s)}


def by_clients(run: Run, what: str, clients: Sequence[int], seconds: float) -> list[dict[str, Any]]:
    """Let so many clients ask for so long, then more; return the figures of each number."""
    stack, pictures = run.stack(), [scene.jpeg for scene in run.pictures()]
    usage, measured = Usage(stack.pids), []
    with run.step(f"{what}: numbers of clients", len(clients)) as step:
        for number in clients:
            began = now()
            tallies, used = _ask_together(stack.gateway_port, pictures, number, seconds, usage)
            measured.append(
                {
                    **_figures(number, seconds, tallies),
                    "cores": {name: cpu_s / seconds for name, cpu_s in used.items()},
                    "cpu_ms_an_answer": cpu_ms_each(used, sum(tally.ended for tally in tallies)),
                    "memory_mb": usage.memory_mb(),
                    "others_cores": others_cores(began, now()),
                }
            )
            step.advance()
    return measured


def _ask_together(
    port: int, pictures: Sequence[bytes], clients: int, seconds: float, usage: Usage
) -> tuple[list[Tally], dict[str, float]]:
    """Return what each client got, and the processor seconds that were used between the two moments."""
    count_from = monotonic() + _WARM_UP_S
    until = count_from + seconds
    tallies = [Tally() for _ in range(clients)]
    threads = [
        threading.Thread(
            target=_ask, args=(port, [*pictures[index % len(pictures) :], *pictures], tally, count_from, until)
        )
        for index, tally in enumerate(tallies)
    ]
    for thread in threads:
        thread.start()
    sleep(_WARM_UP_S)
    cpu_before = usage.cpu_s()
    sleep(max(0.0, until - monotonic()))
    used = between(cpu_before, usage.cpu_s())
    for thread in threads:
        thread.join()
    return tallies, used


def _ask(port: int, pictures: Sequence[bytes], tally: Tally, count_from: float, until: float) -> None:
    """Ask one picture after the other; only what was asked and answered between the two moments counts."""
    client, asked = Client(port), 0
    while (began := monotonic()) < until:
        failure: str | None
        try:
            answer = client.upload(pictures[asked % len(pictures)])
        except (OSError, http.client.HTTPException) as error:
            client.close()
            failure, wall_ms, pause_s = type(error).__name__, 0.0, _NO_ANSWER_PAUSE_S
        else:
            failure, wall_ms, pause_s = answer.failure, answer.wall_ms, answer.retry_after_s
        asked += 1
        tally.ended += failure is None and count_from <= monotonic() < until
        if count_from <= began and monotonic() < until:
            if failure is None:
                tally.answered_ms.append(wall_ms)
            else:
                tally.refused_ms.append(wall_ms)
                tally.errors[failure] += 1
        if failure is not None:
            sleep(max(0.0, min(pause_s, until - monotonic())))
    client.close()


def _figures(clients: int, seconds: float, tallies: Sequence[Tally]) -> dict[str, Any]:
    answered = [ms for tally in tallies for ms in tally.answered_ms]
    errors = sum((tally.errors for tally in tallies), Counter[str]())
    return {
        "clients": clients,
        "answers_a_second": len(answered) / seconds,
        "answered_ms": figures(answered),
        "refused_ms": figures(ms for tally in tallies for ms in tally.refused_ms),
        "errors": dict(errors),
        "clients_without_answer": sum(not tally.answered_ms for tally in tallies),
    }


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a table of answers, and one of memory."""
    measured = result["by_clients"]
    answers = [
        (
            str(of["clients"]),
            shown(of["answers_a_second"]),
            *(shown(of["answered_ms"][name], 0) for name in ("p50", "p95", "p99")),
            ", ".join(f"{count} {kind}" for kind, count in of["errors"].items()) or "none",
            shown(of["refused_ms"]["p50"], 0),
        )
        for of in measured
    ]
    columns = ("clients", "answers/s", "ms p50", "p95", "p99", "errors", "ms p50 of a refusal")
    names = list(measured[0]["memory_mb"])
    memory = [(str(of["clients"]), *(shown(of["memory_mb"][name], 0) for name in names)) for of in measured]
    return [
        Table("Load: clients on POST /predict", columns, answers),
        Table("Load: memory held after, MB", ("clients", *names), memory),
    ]


PART = Part("1 to 64 clients at once", measure, tables)
