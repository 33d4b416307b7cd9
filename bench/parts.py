"""What can be measured, by the names of the command line."""

from collections.abc import Mapping
from typing import Any

from bench import detection, floor, load, memory, path, promises, start, stream
from bench.figures import shown
from bench.growth import part as growth
from bench.run import Part
from bench.tables import Table

PARTS: dict[str, Part] = {
    "floor": floor.PART,
    "path": path.PART,
    "stream": stream.PART,
    "load": load.PART,
    "detection": detection.PART,
    "start": start.PART,
    "memory": memory.PART,
    "growth": growth.PART,
}


def tables_of(report: Mapping[str, Any]) -> list[Table]:
    """Return the tables of what was measured, what it says of promises, and what else the machine did."""
    tables = [table for name, result in report["parts"].items() for table in PARTS[name].tables(result)]
    made = promises.promises(report["parts"])
    if made:
        tables.append(promises.table(made))
    rows = [
        (name, shown(of["seconds"], 0), shown(of["others_cores"] * 100, 0)) for name, of in report["meanwhile"].items()
    ]
    return [*tables, Table("Meanwhile", ("", "seconds", "other processes, % of a core"), rows)]
