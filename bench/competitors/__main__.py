"""``python -m bench.competitors``: compares this system with others, on the same images and processors.

The first run installs them, each into an environment of its own, from locks with hashes; no weights are downloaded.
"""

import argparse
import json
import sys
import tempfile
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from bench.competitors.measurements import measure_images, measure_stream
from bench.competitors.process import CompetitorError, CompetitorProcess, competitor_process, environment_python
from bench.competitors.report import tables_of
from bench.harness.machine import ROOT, description, pin
from bench.harness.run import FULL, QUICK, Run
from bench.harness.stack import StackError
from bench.harness.tables import to_rich

COMPETITORS = ("fer", "deepface")


def main() -> int:
    """Run the command; return the exit status."""
    arguments = _parse()
    pinned = pin(arguments.cpus)
    console, bars = Console(), Console(stderr=True)
    report: dict[str, Any] = {"environment": description(pinned) | {"quick": arguments.quick, "seed": arguments.seed}}
    try:
        with (
            ExitStack() as exit_stack,
            Progress(console=bars) as progress,
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
        ):
            scale = QUICK if arguments.quick else FULL
            run = Run(scale, arguments.seed, Path(folder), progress, exit_stack)
            with run.step("start the competitors", None):
                competitors = {name: exit_stack.enter_context(_running(name, run.folder)) for name in COMPETITORS}
            report["competitors"] = {name: competitor.description for name, competitor in competitors.items()}
            report["images"] = measure_images(run, competitors, scale.competitor_images_per_kind)
            report["stream"] = measure_stream(
                run, competitors, scale.competitor_rounds, scale.competitor_session_s, scale.competitor_frames
            )
            exit_stack.close()  # ends the processes before their logs are removed
    except (CompetitorError, StackError) as error:
        print(error, file=sys.stderr)
        return 1
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "competitors.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    for table in tables_of(report):
        console.print(to_rich(table))
    console.print(f"{arguments.out}/competitors.json")
    return 0


def _running(name: str, folder: Path) -> AbstractContextManager[CompetitorProcess]:
    return competitor_process(
        [str(environment_python(name)), "-m", f"bench.competitors.run_{name}"], folder / f"{name}.log"
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.competitors", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short runs: test whether it works, not how fast")
    parser.add_argument("--seed", type=int, default=1, help="seed of the images (default: 1)")
    parser.add_argument("--cpus", type=int, default=2, help="number of processors for all processes (default: 2)")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "bench" / "results", help="folder of the report (default: bench/results)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
