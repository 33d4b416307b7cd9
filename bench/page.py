"""``python -m bench.page bench/results/bench.json``: a run's tables as Markdown, for ``docs/performance.md``."""

import argparse
import json
from pathlib import Path

from bench.parts import tables_of
from bench.tables import for_page


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("report", type=Path)
    report = json.loads(parser.parse_args().report.read_text("utf-8"))
    print("\n".join(for_page(table) for table in tables_of(report)))


if __name__ == "__main__":
    main()
