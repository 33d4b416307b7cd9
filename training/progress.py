"""Shows on standard error how far a long step has come."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TextIO, TypeVar

Item = TypeVar("Item")

_WIDTH = 30
_PERIOD_S = 0.1


def progress(items: Sequence[Item], what: str, stream: TextIO | None = None) -> Iterator[Item]:
    """Yield the items while a bar grows on a terminal; elsewhere, as in a log, one line tells the end."""
    out = stream or sys.stderr
    lively = out.isatty()
    started = shown = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if lively and (done == 0 or now - shown >= _PERIOD_S):
            shown = now
            out.write(f"\r{what} {_bar(done, len(items))} {done}/{len(items)}")
            out.flush()
        yield item
    begin = f"\r{what} {_bar(1, 1)}" if lively else f"{what}:"
    out.write(f"{begin} {len(items)} in {time.monotonic() - started:.0f} s\n")
    out.flush()


def _bar(done: int, total: int) -> str:
    full = _WIDTH * done // total
    return f"[{'=' * full}{' ' * (_WIDTH - full)}]"
