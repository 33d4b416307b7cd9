"""``python -m bench``: measures what is chosen, and leaves a JSON file and a picture beside the tables it prints."""

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
from bench.harness.tables import for_terminal
from bench.harness.usage import now, others_cores
from bench.report import PARTS, draw_report, tables_of

RESULTS = ROOT / "bench" / "results"
_WIDTH_OF_A_FILE = 160


def main() -> int:
    """Measure; return the exit status."""
    arguments = _parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the system it started ends too
    pinned = pin(arguments.cpus)
    report: dict[str, Any] = {
        "made": description(pinned) | {"quick": arguments.quick, "seed": arguments.seed},
        "parts": {},
        "meanwhile": {},
    }
    console, bars = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE), Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
            Progress(*columns, console=bars) as progress,
            ExitStack() as held,
        ):
            run = Run(QUICK if arguments.quick else FULL, arguments.seed, Path(folder), progress, held)
            for name in arguments.parts or PARTS:
                began = now()
                report["parts"][name] = PARTS[name].measure(run)
                ended = now()
                report["meanwhile"][name] = {
                    "seconds": ended.at - began.at,
                    "others_cores": others_cores(began, ended),
                }
                write(report, arguments.out)  # what was measured stays, whatever becomes of the rest
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    for table in tables_of(report):
        console.print(for_terminal(table))
    console.print(f"{arguments.out}/bench.json  {arguments.out}/bench.svg")
    return 0


def write(report: dict[str, Any], folder: Path) -> None:
    """Write the JSON file and the picture; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    (folder / "bench.svg").write_text(draw_report(report), "utf-8")


def _parse() -> argparse.Namespace:
    about = "\n".join(f"  {name:10s} {part.about}" for name, part in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"{__doc__}\n\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help="what to measure (default: all)")
    parser.add_argument("--quick", action="store_true", help="little of each: whether all works, not how fast")
    parser.add_argument("--seed", type=int, default=1, help="makes other pictures (default: 1)")
    parser.add_argument("--cpus", type=int, default=2, help="processors that everything is kept on (default: 2)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results (default: bench/results)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
