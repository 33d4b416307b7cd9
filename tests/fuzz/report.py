"""The report of a run: counts, faults, replay files and a table."""

import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.cases import Case, dump

MAX_SHOWN_LABELS = 7
_NUMBERS = re.compile(r"0x[0-9a-f]+|[0-9a-f]{32}|\d[\d,.]*")


@dataclass
class Row:
    """Counts of a target."""

    cases: int = 0
    seconds: float = 0.0
    faults: int = 0
    labels: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class ServiceUsage:
    """Resource usage of a process after the warm-up, at the end and at its peak, and the size of its log."""

    warm_mb: float
    end_mb: float
    peak_mb: float
    warm_descriptors: int
    end_descriptors: int
    log_bytes: int


@dataclass(frozen=True)
class Fault:
    """A fault, and the cases before it, of which one or all cause it."""

    target: str
    text: str
    cases: tuple[Case, ...] = ()

    @property
    def kind(self) -> str:
        """The text without numbers; equal for faults that are probably the same."""
        return f"{self.target}: {_NUMBERS.sub('…', self.text)[:110]}"


class Report:
    """Collects the faults of a run; each kind is printed and written to a file once."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.rows: dict[str, Row] = {}
        self.kinds: Counter[str] = Counter()
        self.services: dict[str, ServiceUsage] = {}
        self._seed = seed
        self._folder = folder
        self._started = time.monotonic()

    @property
    def cases(self) -> int:
        """The number of cases sent."""
        return sum(row.cases for row in self.rows.values())

    def row(self, target: str) -> Row:
        """Return the counts of a target."""
        return self.rows.setdefault(target, Row())

    def contains(self, fault: Fault) -> bool:
        """Return whether a fault of the same kind was added."""
        return fault.kind in self.kinds

    def add(self, fault: Fault) -> None:
        """Count a fault; if its kind is new, print it and write its cases to a file."""
        self.row(fault.target).faults += 1
        self.kinds[fault.kind] += 1
        if self.kinds[fault.kind] > 1:
            return
        file = self._write(fault)
        print(f"FAULT {fault.target}: {fault.text}\n      seed {self._seed}, after {self.cases:,} cases", flush=True)
        for case in fault.cases[:1]:
            print(f"      {repr(case.action)[:200]}")
        if file is not None:
            print(f"      make fuzz REPLAY={os.path.relpath(file)}   ({len(fault.cases)} cases)", flush=True)

    def _write(self, fault: Fault) -> Path | None:
        if not fault.cases:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{fault.target}-{len(self.kinds)}.json"
        file.write_text(dump(fault.cases, {"fault": fault.text, "seed": self._seed}), "utf-8")
        return file

    def table(self) -> str:
        """Return the tables and the summary line."""
        seconds = time.monotonic() - self._started
        lines = [*_targets_table(self.rows), "", *_services_table(self.services), ""]
        lines += [f"{count:>6} × {kind}" for kind, count in self.kinds.most_common()]
        summary = f"{self.cases:,} cases in {seconds:.0f} s, seed {self._seed}"
        failed = f"{len(self.kinds)} kinds of faults, {sum(self.kinds.values())} in all, {summary}"
        lines.append(f"===== {failed if self.kinds else 'passed, ' + summary} =====")
        return "\n".join(lines)


def _targets_table(rows: Mapping[str, Row]) -> Iterator[str]:
    yield f"{'target':<15}{'cases':>7}{'faults':>8}{'seconds':>9}  outcomes"
    for name, row in rows.items():
        most = row.labels.most_common()
        shown = ", ".join(f"{label} × {count}" for label, count in most[:MAX_SHOWN_LABELS])
        rest = sum(count for _, count in most[MAX_SHOWN_LABELS:])
        others = f", others × {rest}" if rest else ""
        yield f"{name:<15}{row.cases:>7}{row.faults:>8}{row.seconds:>9.1f}  {shown}{others}"


def _services_table(services: Mapping[str, ServiceUsage]) -> Iterator[str]:
    yield f"{'service':<15}{'MB warm':>9}{'end':>7}{'peak':>7}{'files warm':>12}{'end':>6}{'log bytes':>12}"
    for name, one in services.items():
        memory = f"{one.warm_mb:>9.0f}{one.end_mb:>7.0f}{one.peak_mb:>7.0f}"
        yield f"{name:<15}{memory}{one.warm_descriptors:>12}{one.end_descriptors:>6}{one.log_bytes:>12}"
