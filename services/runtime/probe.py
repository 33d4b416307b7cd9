"""``python -m services.runtime.probe PORT``: the health check of a service's container.

It asks the service in the same container whether it is ready, and prints the answer, so that ``docker inspect`` says
what is wrong. Images have no curl.

Docker restarts a container when its process ends, not when it is unhealthy. With ``--kill-after=N`` the check
therefore kills a process that doesn't answer at all: one that N checks in a row waited for in vain, or that doesn't
listen for a long time. A service that answers is never killed, whatever it says: that a dependency is missing is no
reason to restart it.
"""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path
from time import monotonic
from typing import Literal, NamedTuple

TIMEOUT_S = 3.0
"""For ``/readyz``, whose own checks take a second at most, and again for ``/healthz``."""
MAX_CLOSED_S = 300.0
"""How long a service may not listen, because it starts or stops."""
MAX_STARVED_S = 1.0
"""A check that itself waited longer for a processor says nothing about the service: the machine is overloaded."""
MAX_ANSWER_BYTES = 64 * 1024
RECORD_FOLDER = Path("/tmp")
"""In memory, and empty when a container starts again."""
INIT_NAMES = frozenset({"docker-init", "tini", "catatonit", "dumb-init"})
"""What PID 1 is called where a container has an init. Elsewhere nothing is killed, above all on a person's machine."""

Outcome = Literal["ready", "unready", "silent", "closed"]


class Answer(NamedTuple):
    """What came of asking a service.

    Attributes:
        outcome: ``silent`` is no answer in time; ``closed``, that nothing listens.
        text: What the service said, or what went wrong.
    """

    outcome: Outcome
    text: str


class Streak(NamedTuple):
    """Checks in a row with the same outcome.

    Attributes:
        checks: Their number.
        since_s: When the first of them was, by the monotonic clock.
    """

    checks: int
    since_s: float


def probe(port: int) -> Answer:
    """Ask a service whether it is ready; one that doesn't say is asked whether it lives."""
    readiness = _ask(port, "/readyz")
    if readiness.outcome != "silent":
        return readiness
    liveness = _ask(port, "/healthz")
    return readiness if liveness.outcome == "silent" else Answer("unready", f"/readyz: {readiness.text}")


def _ask(port: int, path: str) -> Answer:
    # Not urllib or http.client: a check runs every few seconds, and importing them takes most of its processor time.
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        head, _, body = _exchange(port, request.encode()).partition(b"\r\n\r\n")
    except TimeoutError:
        return Answer("silent", f"no answer within {TIMEOUT_S:g} s")
    except ConnectionRefusedError as error:
        return Answer("closed", f"no answer: {error}")
    except OSError as error:
        return Answer("unready", f"no answer: {error}")
    status = head.split(b" ", 2)[1:2]
    return Answer("ready" if status == [b"200"] else "unready", (body or head).decode(errors="replace"))


def _exchange(port: int, request: bytes) -> bytes:
    """Send a request and return the answer up to the connection's end; all of it within the time limit."""
    deadline = monotonic() + TIMEOUT_S
    answer = b""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.sendall(request)
        while len(answer) < MAX_ANSWER_BYTES:
            connection.settimeout(max(0.001, deadline - monotonic()))
            piece = connection.recv(MAX_ANSWER_BYTES)
            if not piece:
                break
            answer += piece
    return answer


def record(outcome: Outcome, file: Path, now_s: float) -> Streak:
    """Return since when all checks had this outcome; the file keeps it from one check to the next."""
    streak = Streak(1, now_s)
    try:
        last, count, since_s = file.read_text().split()
        if last == outcome:
            streak = Streak(int(count) + 1, float(since_s))
    except (OSError, ValueError):
        pass  # the first check, or a file that was cut off
    file.write_text(f"{outcome} {streak.checks} {streak.since_s}")
    return streak


def service_processes(proc: Path = Path("/proc")) -> list[int]:
    """Return the children of a container's init: the service. Empty where PID 1 is no such init.

    The health check itself is none of them; neither is what ``docker exec`` starts.
    """
    try:
        if (proc / "1" / "comm").read_text().strip() not in INIT_NAMES:
            return []
    except OSError:
        return []
    return sorted(int(folder.name) for folder in proc.iterdir() if folder.name.isdecimal() and _parent(folder) == 1)


def _parent(folder: Path) -> int:
    try:
        # pid (name) state parent …, and a name may hold anything
        return int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return -1  # it has just ended


def starved_s(proc: Path = Path("/proc")) -> float:
    """Return how long this process has waited for a processor; 0 where the kernel doesn't say."""
    try:
        return int((proc / "self" / "schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _kill_service(reason: str) -> None:
    for pid in service_processes():
        message = f"health check: {reason}; killing process {pid} so that it is started again\n"
        sys.stdout.write(message)
        try:
            Path("/proc/1/fd/2").write_text(message)  # the container's log
        except OSError as error:
            sys.stdout.write(f"the container's log can't be written: {error}\n")
        os.kill(pid, signal.SIGKILL)  # not SIGTERM: it doesn't react


def main() -> int:
    """Return 0 where the service is ready, else 1."""
    parser = argparse.ArgumentParser(prog="python -m services.runtime.probe", description="Checks a service's health.")
    parser.add_argument("port", type=int)
    parser.add_argument("--kill-after", type=int, metavar="N", help="kill what doesn't answer N checks in a row")
    arguments = parser.parse_args()
    answer = probe(arguments.port)
    sys.stdout.write(answer.text + "\n")
    if arguments.kill_after is not None and starved_s() < MAX_STARVED_S:
        streak = record(answer.outcome, RECORD_FOLDER / f"probe-{arguments.port}", monotonic())
        if answer.outcome == "silent" and streak.checks >= arguments.kill_after:
            _kill_service(f"no answer to {streak.checks} checks in a row")
        elif answer.outcome == "closed" and monotonic() - streak.since_s >= MAX_CLOSED_S:
            _kill_service(f"not listening for {MAX_CLOSED_S:g} s")
    return 0 if answer.outcome == "ready" else 1


if __name__ == "__main__":
    sys.exit(main())
