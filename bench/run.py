"""What a part of the bench is given, and what it gives."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import Progress

from bench.clip import ClipFrame, compose
from bench.face_scenes import Scene, shuffled
from bench.scale import Scale
from bench.stack import Stack, running_stack
from bench.tables import Table

T = TypeVar("T")


@dataclass
class Run:
    """One run of the bench.

    Attributes:
        scale: How much is measured.
        seed: Makes other pictures.
        folder: Where logs go.
        progress: Where the bars are drawn.
        held: What ends with the run.
    """

    scale: Scale
    seed: int
    folder: Path
    progress: Progress
    held: ExitStack
    _stack: list[Stack] = field(default_factory=list)
    _pictures: list[Scene] = field(default_factory=list)
    _clip: list[ClipFrame] = field(default_factory=list)

    def stack(self) -> Stack:
        """Return the running system, which starts when it is first asked for.

        Raises:
            StackError: It doesn't start.
        """
        if not self._stack:
            with self.step("start the system", None):
                self._stack.append(self.held.enter_context(running_stack(self.folder)))
        return self._stack[0]

    def pictures(self) -> Sequence[Scene]:
        """Return pictures of each kind in mixed order; they are composed when they are first asked for."""
        if not self._pictures:
            with self.step("compose pictures", None):
                self._pictures += shuffled(self.scale.pictures_each, self.seed)
        return self._pictures

    def clip(self) -> Sequence[ClipFrame]:
        """Return what cameras show; it is composed when it is first asked for."""
        if not self._clip:
            frames = self.scale.clip_frames
            self._clip += self.over("compose frames", compose(frames, self.seed), frames)
        return self._clip

    def over(self, what: str, items: Iterable[T], total: int) -> Iterator[T]:
        """Yield the items, and draw how many are done."""
        yield from self.progress.track(items, total, description=what)

    def step(self, what: str, total: float | None) -> "Step":
        """Return a bar of its own; it moves by itself where no total is known."""
        return Step(self.progress, what, total)


class Step:
    """A bar while its block runs."""

    def __init__(self, progress: Progress, what: str, total: float | None) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total)
        self._total = total

    def __enter__(self) -> "Step":
        return self

    def __exit__(self, *_: object) -> None:
        done = self._total or 1
        self._progress.update(self._task, total=done, completed=done)

    def advance(self, by: float = 1) -> None:
        """Move the bar."""
        self._progress.advance(self._task, by)


@dataclass(frozen=True)
class Part:
    """One thing that is measured.

    Attributes:
        about: What, in a few words.
        measure: Measures it; what it returns goes into the JSON file.
        tables: Shows what ``measure`` returned.
    """

    about: str
    measure: Callable[[Run], dict[str, Any]]
    tables: Callable[[Mapping[str, Any]], list[Table]]
