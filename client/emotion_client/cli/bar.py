"""How far ``emotion predict`` got."""

import sys
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.contracts.text import printable


class Bar:
    """Shows on stderr, in a terminal, how far a video or a row of images is."""

    def __init__(self, inputs: int) -> None:
        """Show nothing yet; of several inputs a line of its own tells how many are done."""
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # What is written to the same terminal meanwhile goes above the bar; a file gets it untouched.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._begun = 0
        self._all = self._progress.add_task("all", total=inputs, visible=inputs > 1)
        self._task = self._progress.add_task("", total=None)

    def __enter__(self) -> Self:
        """Start to show it."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._progress.stop()

    def begin(self, name: str) -> None:
        """Begin with the next input."""
        self._progress.update(self._all, completed=self._begun)
        self._begun += 1
        self._progress.reset(self._task, description=printable(name), total=None)

    def expect(self, count: int | None) -> None:
        """It has so many images, if that is known."""
        self._progress.update(self._task, total=count)

    def advance(self) -> None:
        """One image is done."""
        self._progress.advance(self._task)
