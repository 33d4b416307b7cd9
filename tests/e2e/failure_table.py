"""Measures responses during faults: ``python -m tests.e2e.failure_table`` prints a table.

It starts the stack, sends 20 requests a second (one in four is an upload) and causes each fault in each service.
"""

import sys
import time
from collections import Counter

from tests.e2e.faults import FAULTS, Fault
from tests.e2e.stack import Stack
from tests.e2e.test_faults import is_overload, is_recovered
from tests.e2e.traffic import Outcome, Traffic
from tests.support import images

FAULT_S = 5.0
HEAD = "| service | fault | `GET /predict` | `POST /predict` | slowest answer | recovers |\n|---|---|---|---|---|---|\n"


def measure(stack: Stack, service: str, fault: Fault) -> str:
    """Return a row of the table."""
    with stack.client() as client, Traffic(client, images.encode(images.portrait())).running() as traffic:
        traffic.wait_until_sent(is_recovered, "answers before the fault", 60)
        fault.begin(stack, service)
        started = time.monotonic()
        time.sleep(FAULT_S)
        ended = time.monotonic()
        fault.end(stack, service)
        if fault.restarts:
            stack.wait_until_ready(service)
        returned = time.monotonic()
        traffic.wait_until_sent(is_recovered, "answers", 60)
    during = [o for o in traffic.outcomes if started < o.sent_at < ended]
    failed = [o.sent_at for o in traffic.since(returned) if o.status != 200 and not is_overload(o)]
    since = "ready again" if fault.restarts else "back"
    again = f"{max(failed, default=returned) - returned:.1f} s after it is {since}"
    slowest = max(outcome.seconds for outcome in traffic.since(started))
    responses = " | ".join(describe_responses([o for o in during if o.method == method]) for method in ("GET", "POST"))
    return f"| {service} | {fault.name} | {responses} | {slowest:.1f} s | {again} |\n"


def describe_responses(outcomes: list[Outcome]) -> str:
    """Return the kinds of responses, the most frequent first, without those below 5 %."""
    kinds = Counter(
        " ".join(filter(None, (str(o.status), o.kind, o.problem.get("dependency") and f"({o.problem['dependency']})")))
        for o in outcomes
    )
    return ", ".join(kind for kind, times in kinds.most_common() if times > len(outcomes) / 20)


if __name__ == "__main__":
    with Stack("emotion-failures") as running:
        sys.stdout.write(HEAD)
        for service in ("redis", "detector", "serving", "capture"):
            for fault in FAULTS:
                sys.stdout.write(measure(running, service, fault))
                sys.stdout.flush()
