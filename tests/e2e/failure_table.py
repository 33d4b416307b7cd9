"""Measures what clients see while a service is away: ``python -m tests.e2e.failure_table`` prints it as a table.

It starts the stack, sends 20 requests a second (one in four an upload) and does to each service what can be done.
"""

import sys
import time
from collections import Counter

from tests.e2e.faults import FAULTS, Fault
from tests.e2e.stack import Stack
from tests.e2e.test_faults import all_is_well, is_overload
from tests.e2e.traffic import Outcome, Traffic
from tests.support import images

FAULT_S = 5.0
HEAD = "| what | how | `GET /predict` | `POST /predict` | slowest answer | answers again |\n|---|---|---|---|---|---|\n"


def measure(stack: Stack, service: str, fault: Fault) -> str:
    """Return a row."""
    with stack.client() as client, Traffic(client, images.encode(images.portrait())).running() as traffic:
        traffic.wait_until_sent(all_is_well, "answers before the fault", 60)
        fault.begin(stack, service)
        gone = time.monotonic()
        time.sleep(FAULT_S)
        ended = time.monotonic()
        fault.end(stack, service)
        if fault.starts_anew:
            stack.wait_until_ready(service)
        returned = time.monotonic()
        traffic.wait_until_sent(all_is_well, "answers", 60)
    during = [o for o in traffic.outcomes if gone < o.sent_at < ended]
    failed = [o.sent_at for o in traffic.since(returned) if o.status != 200 and not is_overload(o)]
    since = "ready again" if fault.starts_anew else "back"
    again = f"{max(failed, default=returned) - returned:.1f} s after it is {since}"
    slowest = max(outcome.seconds for outcome in traffic.since(gone))
    seen = " | ".join(told([o for o in during if o.method == method]) for method in ("GET", "POST"))
    return f"| {service} | {fault.name} | {seen} | {slowest:.1f} s | {again} |\n"


def told(outcomes: list[Outcome]) -> str:
    """Return what was answered, the most frequent first, as far as it was more than one answer in twenty."""
    answers = Counter(
        " ".join(filter(None, (str(o.status), o.kind, o.problem.get("dependency") and f"({o.problem['dependency']})")))
        for o in outcomes
    )
    return ", ".join(answer for answer, times in answers.most_common() if times > len(outcomes) / 20)


if __name__ == "__main__":
    with Stack("emotion-failures") as running:
        sys.stdout.write(HEAD)
        for each in ("redis", "detector", "serving", "capture"):
            for way in FAULTS:
                sys.stdout.write(measure(running, each, way))
                sys.stdout.flush()
