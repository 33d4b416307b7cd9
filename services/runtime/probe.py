"""``python -m services.runtime.probe PORT``: the health check of a service's container.

It requests the readiness of the service in the same container and prints the answer, so that ``docker inspect`` shows
the error. The images have no curl.

Docker restarts a container when its process ends, not when it is unhealthy. With ``--kill-after=N`` the check
therefore kills a process that has stopped answering, after N checks in a row without an answer, and one that does not
start within minutes. A service that answers is never killed: a missing dependency is no reason to restart it.
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
MIN_SILENCE_S = 20.0
"""Least time from the first check without an answer to the last, whatever the number of checks."""
MAX_START_S = 300.0
"""Longest time without a listening socket or a first answer, during a start or a stop."""
MAX_STARVED_S = 1.0
"""A check that waited longer for a processor itself is not counted: the machine is overloaded."""
MAX_ANSWER_BYTES = 64 * 1024
RECORD_FOLDER = Path("/tmp")  # noqa: S108 - of a container
"""In memory, and empty when a container starts again."""
INIT_NAMES = frozenset({"docker-init", "tini", "catatonit", "dumb-init"})
"""Names of PID 1 in a container with an init. Outside such a container nothing is killed."""

Outcome = Literal["ready", "unready", "silent", "closed"]
_OUTCOMES: dict[str, Outcome] = {"ready": "ready", "unready": "unready", "silent": "silent", "closed": "closed"}


class Answer(NamedTuple):
    """The result of a check.

    Attributes:
        outcome: ``silent``: no answer in time; ``closed``: no listening socket.
        text: The service's answer, or the error.
    """

    outcome: Outcome
    text: str


class Record(NamedTuple):
    """The results of the checks since the container started.

    Attributes:
        outcome: Result of the last check.
        checks: How many checks in a row had this outcome.
        since_s: Time of the first of them, by the monotonic clock.
        has_answered: Whether the service has ever answered.
    """

    outcome: Outcome
    checks: int
    since_s: float
    has_answered: bool


def probe(port: int) -> Answer:
    """Request a service's readiness and, without an answer, its liveness."""
    readiness = _check_path(port, "/readyz")
    if readiness.outcome != "silent":
        return readiness
    liveness = _check_path(port, "/healthz")
    return readiness if liveness.outcome == "silent" else Answer("unready", f"/readyz: {readiness.text}")


def _check_path(port: int, path: str) -> Answer:
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
    """Send a request and return everything received until the connection closes, within ``TIMEOUT_S``."""
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


def read_record(file: Path) -> Record | None:
    """Return the record of earlier checks; None without one, or if the file is truncated."""
    try:
        outcome, checks, since_s, has_answered = file.read_text().split()
        return Record(_OUTCOMES[outcome], int(checks), float(since_s), has_answered == "True")
    except (OSError, ValueError, KeyError):
        return None


def write_record(file: Path, record: Record) -> None:
    """Write the record for the next check."""
    file.write_text(" ".join(map(str, record)))


def add_check(last: Record | None, outcome: Outcome, now_s: float) -> Record:
    """Return the record with one more check."""
    answered = outcome in ("ready", "unready")
    if last is None:
        return Record(outcome, 1, now_s, answered)
    if last.outcome == outcome:
        return last._replace(checks=last.checks + 1)
    return Record(outcome, 1, now_s, answered or last.has_answered)


def is_stuck(record: Record, checks: int, now_s: float) -> bool:
    """Return whether a service must be killed: it stopped answering, or its start or stop takes too long.

    Args:
        record: The results so far.
        checks: Required number of checks in a row without an answer.
        now_s: Time by the monotonic clock.
    """
    lasts_s = now_s - record.since_s
    if record.outcome == "silent" and record.has_answered:
        return record.checks >= checks and lasts_s >= MIN_SILENCE_S
    return record.outcome in ("silent", "closed") and lasts_s >= MAX_START_S


def service_processes(proc: Path = Path("/proc")) -> list[int]:
    """Return the children of a container's init: the service. Empty if PID 1 is not an init.

    Neither the health check nor a process of ``docker exec`` is one of them.
    """
    try:
        if (proc / "1" / "comm").read_text().strip() not in INIT_NAMES:
            return []
    except OSError:
        return []
    return sorted(int(folder.name) for folder in proc.iterdir() if folder.name.isdecimal() and _parent(folder) == 1)


def _parent(folder: Path) -> int:
    try:
        # pid (name) state parent …; a name may contain any character
        return int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return -1  # the process has just ended


def starved_s(proc: Path = Path("/proc")) -> float:
    """Return how long this process has waited for a processor; 0 if the kernel does not report it."""
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
        os.kill(pid, signal.SIGKILL)  # a stuck process does not react to SIGTERM


def main() -> int:
    """Return 0 if the service is ready, else 1."""
    parser = argparse.ArgumentParser(prog="python -m services.runtime.probe", description="Checks a service's health.")
    parser.add_argument("port", type=int)
    parser.add_argument(
        "--kill-after", type=int, metavar="N", help="kill a service that does not answer N checks in a row"
    )
    arguments = parser.parse_args()
    answer = probe(arguments.port)
    sys.stdout.write(answer.text + "\n")
    if arguments.kill_after is not None and starved_s() < MAX_STARVED_S:
        file, now_s = RECORD_FOLDER / f"probe-{arguments.port}", monotonic()
        record = add_check(read_record(file), answer.outcome, now_s)
        write_record(file, record)
        if is_stuck(record, arguments.kill_after, now_s):
            _kill_service(f"no answer to {record.checks} checks in a row")
    return 0 if answer.outcome == "ready" else 1


if __name__ == "__main__":
    sys.exit(main())
