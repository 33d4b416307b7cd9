"""``python -m bench.competitors``: this system beside others, on the same pictures and the same processors.

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

from bench.competitors.measurements import measure_pictures, measure_stream
from bench.competitors.process import PeerError, PeerProcess, peer_process, python_of
from bench.competitors.report import tables_of
from bench.harness.machine import ROOT, description, pin
from bench.harness.run import FULL, QUICK, Run
from bench.harness.stack import StackError
from bench.harness.tables import for_terminal

PEERS = ("fer", "deepface")


def main() -> int:
    """Measure; return the exit status."""
    arguments = _parse()
    pinned = pin(arguments.cpus)
    console, bars = Console(), Console(stderr=True)
    report: dict[str, Any] = {"made": description(pinned) | {"quick": arguments.quick, "seed": arguments.seed}}
    try:
        with (
            ExitStack() as held,
            Progress(console=bars) as progress,
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
        ):
            scale = QUICK if arguments.quick else FULL
            run = Run(scale, arguments.seed, Path(folder), progress, held)
            with run.step("start the others", None):
                peers = {name: held.enter_context(_running(name, run.folder)) for name in PEERS}
            report["peers"] = {name: peer.about for name, peer in peers.items()}
            report["pictures"] = measure_pictures(run, peers, scale.peer_pictures_each)
            report["stream"] = measure_stream(run, peers, scale.peer_rounds, scale.peer_session_s, scale.peer_frames)
            held.close()  # the processes end before their logs do
    except (PeerError, StackError) as error:
        print(error, file=sys.stderr)
        return 1
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "peers.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    for table in tables_of(report):
        console.print(for_terminal(table))
    console.print(f"{arguments.out}/peers.json")
    return 0


def _running(name: str, folder: Path) -> AbstractContextManager[PeerProcess]:
    return peer_process([str(python_of(name)), "-m", f"bench.competitors.run_{name}"], folder / f"{name}.log")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.competitors", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little of each: whether all works, not how fast")
    parser.add_argument("--seed", type=int, default=1, help="makes other pictures (default: 1)")
    parser.add_argument("--cpus", type=int, default=2, help="processors that everything is kept on (default: 2)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results", help="folder of the results")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
