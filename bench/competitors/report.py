"""Tables of the comparison."""

from collections.abc import Mapping
from typing import Any

from bench.competitors.measurements import OURS
from bench.harness.tables import Table, format_number
from bench.targets import competitor_targets, table


def tables_of(report: Mapping[str, Any]) -> list[Table]:
    """Return a table of single images, one of the stream, and one of the targets."""
    return [
        _images(report["images"], report["competitors"]),
        _stream(report["stream"], report["competitors"]),
        table(competitor_targets(report)),
    ]


def _images(measured: Mapping[str, Any], competitors: Mapping[str, Any]) -> Table:
    rows = []
    for name, of in measured["systems"].items():
        ratio = measured["wall_ratio_to"].get(name)
        rows.append(
            (
                _label(name, competitors),
                *(format_number(of["wall_ms"][share]) for share in ("p50", "p95", "p99")),
                format_number(of["cpu_ms"]["p50"])
                if name != OURS
                else format_number(sum(measured["own_cpu_ms_per_image"].values())),
                f"{of['faces_found']}/{measured['faces']}",
                str(of["false_faces"]),
                *_ratio(ratio),
            )
        )
    title = f"Competitors: {measured['images']} single images, this system over HTTP, the others in their process"
    columns = ("", "ms p50", "p95", "p99", "cpu ms", "faces", "false", "ours/theirs", "p5 to p95")
    return Table(title, columns, rows)


def _stream(measured: Mapping[str, Any], competitors: Mapping[str, Any]) -> Table:
    rows = [
        (_label(name, competitors), format_number(cost, 2), *_ratio(measured["cpu_ratio_to"].get(name), 3))
        for name, cost in measured["cpu_ms_per_frame"].items()
    ]
    title = f"Competitors: one moving face at 30 frames a second, {len(measured['rounds'])} rounds"
    return Table(title, ("", "cpu ms a frame", "ours/theirs", "p5 to p95"), rows)


def _label(name: str, competitors: Mapping[str, Any]) -> str:
    return f"{name} {competitors[name]['version']} ({competitors[name]['licence']})" if name in competitors else name


def _ratio(ratio: Mapping[str, float] | None, digits: int = 2) -> tuple[str, str]:
    if ratio is None:
        return "", ""
    return format_number(
        ratio["of_medians"], digits
    ), f"{format_number(ratio['p5'], digits)} to {format_number(ratio['p95'], digits)}"
