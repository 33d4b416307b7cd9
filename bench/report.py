"""Tables and charts of a report. ``python -m bench.report bench/results/bench.json`` prints Markdown tables."""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bench import targets
from bench.harness.charts import HEIGHT, WIDTH, Curve, bars, curves
from bench.harness.run import Scenario
from bench.harness.tables import Table, format_number, to_markdown
from bench.scenarios import baseline, detection, load, memory, overhead, scaling, start, stream
from training.evaluation.charts import svg_document

SCENARIOS: dict[str, Scenario] = {
    "baseline": baseline.SCENARIO,
    "overhead": overhead.SCENARIO,
    "stream": stream.SCENARIO,
    "load": load.SCENARIO,
    "detection": detection.SCENARIO,
    "start": start.SCENARIO,
    "memory": memory.SCENARIO,
    "scaling": scaling.SCENARIO,
}


def tables_of(report: Mapping[str, Any]) -> list[Table]:
    """Return the tables of all benchmarks, of the targets, and of the load of other processes."""
    tables = [table for name, result in report["parts"].items() for table in SCENARIOS[name].tables(result)]
    checked = targets.targets_of(report["parts"])
    if checked:
        tables.append(targets.table(checked))
    rows = [
        (name, format_number(of["seconds"], 0), format_number(of["background_cores"] * 100, 0))
        for name, of in report["background"].items()
    ]
    return [*tables, Table("Background load", ("", "seconds", "other processes, % of a core"), rows)]


Chart = Callable[[Mapping[str, Any], float, float], list[str]]
_TAILS = ("p50", "p95", "p99")


def draw_report(report: Mapping[str, Any]) -> str:
    """Return an SVG image with the charts of all benchmarks."""
    charts = [(chart, result) for name, result in report["parts"].items() for chart in _CHARTS.get(name, ())]
    elements = [line for index, (chart, result) in enumerate(charts) for line in chart(result, *_place(index))]
    rows = (len(charts) + 1) // 2
    return svg_document(2 * WIDTH, max(1, rows) * HEIGHT, "Speed and cost of the system", elements)


def _place(index: int) -> tuple[float, float]:
    return index % 2 * WIDTH, index // 2 * HEIGHT


def _overhead(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    live = result["live"]
    rows = {
        "baseline": result["baseline_ms"],
        "POST /predict": result["post"]["wall_ms"],
        "GET /predict": result["get"]["wall_ms"],
        "baseline, ROI": live["baseline_ms"],
        "live frame": live["wall_ms"],
    }
    groups = {name: [of[tail] or 0.0 for tail in _TAILS] for name, of in rows.items()}
    return bars("Overhead over the baseline, ms", _TAILS, groups, left, top)


def _ages(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    return _percentile_chart("Age of results, ms, by cameras", result["by_cameras"], "cameras", "age_ms", left, top)


def _analysed(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    by = result["by_cameras"]
    lines = [
        Curve("published", [(of["cameras"], of["published"] / of["seconds"]) for of in by]),
        Curve("analysed", [(of["cameras"], of["analysed_per_s"]) for of in by]),
    ]
    return curves("Frames a second, by cameras", lines, left, top)


def _answers(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    line = Curve("answers", [(of["clients"], of["responses_per_s"]) for of in result["by_clients"]])
    return curves("Answers a second, by clients", [line], left, top)


def _waits(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    return _percentile_chart(
        "Time to an answer, ms, by clients", result["by_clients"], "clients", "answered_ms", left, top
    )


def _percentile_chart(
    title: str, by: Iterable[Mapping[str, Any]], along: str, what: str, left: float, top: float
) -> list[str]:
    known = [of for of in by if of[what]["p50"] is not None]
    lines = [Curve(tail, [(of[along], of[what][tail]) for of in known]) for tail in _TAILS]
    return curves(title, lines, left, top)


_CHARTS: Mapping[str, tuple[Chart, ...]] = {
    "overhead": (_overhead,),
    "stream": (_ages, _analysed),
    "load": (_answers, _waits),
    "scaling": (scaling.size_chart, scaling.faces_chart, scaling.cameras_chart, scaling.clients_chart),
}


def main() -> None:
    """Print the tables of a report as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("report", type=Path)
    report = json.loads(parser.parse_args().report.read_text("utf-8"))
    print("\n".join(to_markdown(table) for table in tables_of(report)))


if __name__ == "__main__":
    main()
