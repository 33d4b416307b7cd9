"""``python -m bench``: runs benchmarks, prints tables, and writes a JSON report and a chart."""

import argparse
import json
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.harness.machine import ROOT, description, pin
from bench.harness.run import FULL, QUICK, Run
from bench.harness.stack import StackError
from bench.harness.tables import to_rich
from bench.harness.usage import background_cores, sample_cpu
from bench.report import SCENARIOS, draw_report, tables_of

RESULTS = ROOT / "bench" / "results"
_FILE_WIDTH = 160


def main() -> int:
    """Run the command; return the exit status."""
    arguments = _parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # stops the system as well
    pinned = pin(arguments.cpus)
    report: dict[str, Any] = {
        "environment": description(pinned) | {"quick": arguments.quick, "seed": arguments.seed},
        "parts": {},
        "background": {},
    }
    console, bars = Console(width=None if sys.stdout.isatty() else _FILE_WIDTH), Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
            Progress(*columns, console=bars) as progress,
            ExitStack() as held,
        ):
            run = Run(QUICK if arguments.quick else FULL, arguments.seed, Path(folder), progress, held)
            for name in arguments.parts or SCENARIOS:
                started = sample_cpu()
                report["parts"][name] = SCENARIOS[name].measure(run)
                ended = sample_cpu()
                report["background"][name] = {
                    "seconds": ended.at - started.at,
                    "background_cores": background_cores(started, ended),
                }
                write(report, arguments.out)  # keeps results if a later benchmark fails
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    for table in tables_of(report):
        console.print(to_rich(table))
    console.print(f"{arguments.out}/bench.json  {arguments.out}/bench.svg")
    return 0


def write(report: dict[str, Any], folder: Path) -> None:
    """Write the JSON report and the chart to a folder, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    (folder / "bench.svg").write_text(draw_report(report), "utf-8")


def _parse() -> argparse.Namespace:
    about = "\n".join(f"  {name:10s} {part.description}" for name, part in SCENARIOS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"{__doc__}\n\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts", nargs="*", choices=[[], *SCENARIOS], metavar="BENCHMARK", help="benchmarks to run (default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="short runs: test whether it works, not how fast")
    parser.add_argument("--seed", type=int, default=1, help="seed of the images (default: 1)")
    parser.add_argument("--cpus", type=int, default=2, help="number of processors for all processes (default: 2)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the report (default: bench/results)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
