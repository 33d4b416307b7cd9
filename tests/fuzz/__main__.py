"""``python -m tests.fuzz``: starts a system of its own, fuzzes it, and prints what was found."""

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from tests.fuzz.cases import Case, Service, load
from tests.fuzz.monitor import Watch
from tests.fuzz.oracle import Documents
from tests.fuzz.report import Report
from tests.fuzz.runner import Bounds, Runner
from tests.fuzz.stack import Stack
from tests.fuzz.targets import Schedule, targets
from tests.support.processes import ROOT

DEFAULT_S = 300.0
MAX_S = 1800.0
"""Of a run by the number of cases."""

_FOLDER = ROOT / ".cache" / "fuzz"
_DOCUMENTED: tuple[Service, ...] = ("gateway", "detector")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit status: 0 where nothing is wrong, 1 for faults, 2 for a file that can't be read."""
    options = _options(arguments)
    try:
        replayed = None if options.replay is None else load(options.replay.read_text("utf-8"))
    except (OSError, ValueError) as error:
        print(f"{options.replay}: {error}", file=sys.stderr)
        return 2
    report = Report(options.seed, _FOLDER)
    logs = _FOLDER / "logs"  # of the last run
    shutil.rmtree(logs, ignore_errors=True)
    with Stack(logs) as stack, Watch(stack) as watch:
        bounds = Bounds(memory_mb=options.memory_mb, heavy_cpu_s=options.cpu_s, heavy_mb=options.heavy_mb)
        documents = _documents(stack)
        runner = Runner(stack, watch, report, documents, bounds)
        asyncio.run(_run(runner, options, documents, replayed))
    print(report.table())
    return 1 if report.kinds else 0


async def _run(runner: Runner, options: argparse.Namespace, documents: Documents, replayed: list[Case] | None) -> None:
    if replayed is not None:
        await runner.replay(replayed * options.repeat)
        return
    chosen = {name: target for name, target in targets(documents).items() if name in options.only or not options.only}
    asked_s = options.seconds or (options.minutes or 0) * 60
    until_s = time.monotonic() + (asked_s or (MAX_S if options.cases else DEFAULT_S))
    await runner.fuzz(Schedule(chosen, options.seed), chosen, options.cases, until_s)


def _documents(stack: Stack) -> Documents:
    return {service: httpx.get(stack.url(service, "/openapi.json"), trust_env=False).json() for service in _DOCUMENTED}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the cases; 1")
    parser.add_argument("--cases", type=int, help="how many; without it the time decides")
    parser.add_argument("--seconds", type=float, help=f"how long at most; {DEFAULT_S:g} without --cases")
    parser.add_argument("--minutes", type=float, help="instead of --seconds")
    parser.add_argument("--only", nargs="*", default=[], choices=list(targets({})), help="targets; all")
    parser.add_argument("--replay", type=Path, help="a file of cases, which are sent one by one")
    parser.add_argument("--repeat", type=int, default=5, help="how often a replayed case is sent; 5")
    parser.add_argument("--memory-mb", type=float, default=Bounds.memory_mb, help="growth that a service may have")
    parser.add_argument("--cpu-s", type=float, default=Bounds.heavy_cpu_s, help="what a heavy case may cost")
    parser.add_argument("--heavy-mb", type=float, default=Bounds.heavy_mb, help="what memory a heavy case may take")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
