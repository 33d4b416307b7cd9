"""``python -m tests.fuzz``: starts the services, fuzzes them and prints the faults."""

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from tests.fuzz.cases import Case, Service, load
from tests.fuzz.monitor import ProcessMonitor
from tests.fuzz.oracle import Documents
from tests.fuzz.report import Report
from tests.fuzz.runner import Bounds, Runner
from tests.fuzz.stack import Stack
from tests.fuzz.targets import Schedule, targets
from tests.support.processes import ROOT

DEFAULT_S = 300.0
MAX_S = 1800.0
"""Time limit of a run with a number of cases."""

_FOLDER = ROOT / ".cache" / "fuzz"
_DOCUMENTED: tuple[Service, ...] = ("gateway", "detector")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit status: 0 without faults, 1 with faults, 2 if the replay file can't be read."""
    options = _options(arguments)
    try:
        replayed = None if options.replay is None else load(options.replay.read_text("utf-8"))
    except (OSError, ValueError) as error:
        print(f"{options.replay}: {error}", file=sys.stderr)
        return 2
    report = Report(options.seed, _FOLDER)
    logs = _FOLDER / "logs"  # kept until the next run
    shutil.rmtree(logs, ignore_errors=True)
    with Stack(logs) as stack, ProcessMonitor(stack) as monitor:
        bounds = Bounds(memory_mb=options.memory_mb, heavy_cpu_s=options.cpu_s, heavy_mb=options.heavy_mb)
        documents = _documents(stack)
        runner = Runner(stack, monitor, report, documents, bounds)
        asyncio.run(_run(runner, options, documents, replayed))
    print(report.table())
    return 1 if report.kinds else 0


async def _run(runner: Runner, options: argparse.Namespace, documents: Documents, replayed: list[Case] | None) -> None:
    if replayed is not None:
        await runner.replay(replayed * options.repeat)
        return
    chosen = {name: target for name, target in targets(documents).items() if name in options.only or not options.only}
    limit_s = options.seconds or (options.minutes or 0) * 60
    until_s = time.monotonic() + (limit_s or (MAX_S if options.cases else DEFAULT_S))
    await runner.fuzz(Schedule(chosen, options.seed), chosen, options.cases, until_s)


def _documents(stack: Stack) -> Documents:
    return {service: httpx.get(stack.url(service, "/openapi.json"), trust_env=False).json() for service in _DOCUMENTED}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="seed of the cases (default: 1)")
    parser.add_argument("--cases", type=int, help="number of cases (default: as many as the time allows)")
    parser.add_argument("--seconds", type=float, help=f"time limit (default without --cases: {DEFAULT_S:g})")
    parser.add_argument("--minutes", type=float, help="instead of --seconds")
    parser.add_argument("--only", nargs="*", default=[], choices=list(targets({})), help="targets (default: all)")
    parser.add_argument("--replay", type=Path, help="file of cases to send one by one")
    parser.add_argument("--repeat", type=int, default=5, help="how often to send a replayed case (default: 5)")
    parser.add_argument("--memory-mb", type=float, default=Bounds.memory_mb, help="allowed memory growth of a service")
    parser.add_argument("--cpu-s", type=float, default=Bounds.heavy_cpu_s, help="allowed CPU time of a heavy case")
    parser.add_argument("--heavy-mb", type=float, default=Bounds.heavy_mb, help="allowed memory of a heavy case")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
