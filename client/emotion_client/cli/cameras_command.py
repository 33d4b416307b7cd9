"""``emotion cameras``: the cameras that the gateway knows."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from emotion_client.cli.options import Format
from services.contracts.cameras import CameraView
from services.contracts.text import csv_text, printable

_STATE_STYLES = {"online": "green", "ended": "dim"}


def cameras_text(cameras: Sequence[CameraView], format_: Format) -> str:
    """Return the cameras as JSON lines or CSV."""
    rows = [asdict(camera) for camera in cameras]
    if format_ is Format.JSONL:
        return "".join(json.dumps(row) + "\n" for row in rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(CameraView)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: csv_text(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows
    )
    return out.getvalue()


def cameras_table(cameras: Sequence[CameraView]) -> RenderableType:
    """Return the cameras as a table for people."""
    if not cameras:
        return Text("The gateway has no camera; this says why: emotion doctor")
    table = Table("camera", "state", "fps", "size", "age", "dropped", "source", "last error")
    for camera in cameras:
        table.add_row(
            Text(printable(camera.id)),
            Text(printable(camera.state), style=_STATE_STYLES.get(camera.state, "red")),
            f"{camera.fps:.1f}",
            f"{camera.width}×{camera.height}",
            "–" if camera.age_ms is None else f"{camera.age_ms:.0f} ms",
            str(camera.dropped),
            Text(printable(camera.source)),
            Text(printable(camera.last_error)),
        )
    return table
