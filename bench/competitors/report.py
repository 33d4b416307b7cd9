"""Tables of systems side by side."""

from collections.abc import Mapping
from typing import Any

from bench.competitors.measurements import OURS
from bench.harness.tables import Table, shown
from bench.targets import beside_peers, table


def tables_of(report: Mapping[str, Any]) -> list[Table]:
    """Return a table of single pictures, one of the stream, and what both say of promises."""
    return [
        _pictures(report["pictures"], report["peers"]),
        _stream(report["stream"], report["peers"]),
        table(beside_peers(report)),
    ]


def _pictures(measured: Mapping[str, Any], peers: Mapping[str, Any]) -> Table:
    rows = []
    for name, of in measured["systems"].items():
        ratio = measured["wall_of_ours_to"].get(name)
        rows.append(
            (
                _called(name, peers),
                *(shown(of["wall_ms"][share]) for share in ("p50", "p95", "p99")),
                shown(of["cpu_ms"]["p50"]) if name != OURS else shown(sum(measured["ours_cpu_ms_a_picture"].values())),
                f"{of['faces_found']}/{measured['faces']}",
                str(of["false_faces"]),
                *_ratio(ratio),
            )
        )
    title = f"Peers: {measured['pictures']} single pictures, ours over HTTP, the others in their process"
    columns = ("", "ms p50", "p95", "p99", "cpu ms", "faces", "false", "ours/theirs", "p5 to p95")
    return Table(title, columns, rows)


def _stream(measured: Mapping[str, Any], peers: Mapping[str, Any]) -> Table:
    rows = [
        (_called(name, peers), shown(cost, 2), *_ratio(measured["cpu_of_ours_to"].get(name), 3))
        for name, cost in measured["cpu_ms_a_frame"].items()
    ]
    title = f"Peers: one moving face at 30 frames a second, {len(measured['rounds'])} rounds"
    return Table(title, ("", "cpu ms a frame", "ours/theirs", "p5 to p95"), rows)


def _called(name: str, peers: Mapping[str, Any]) -> str:
    return f"{name} {peers[name]['version']} ({peers[name]['licence']})" if name in peers else name


def _ratio(ratio: Mapping[str, float] | None, digits: int = 2) -> tuple[str, str]:
    if ratio is None:
        return "", ""
    return shown(ratio["of_medians"], digits), f"{shown(ratio['p5'], digits)} to {shown(ratio['p95'], digits)}"
