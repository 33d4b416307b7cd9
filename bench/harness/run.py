"""What a part of the bench is given, and what it gives."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import Progress

from bench.harness.stack import Stack, running_stack
from bench.harness.tables import Table
from bench.scenes.clip import ClipFrame, compose
from bench.scenes.faces import Scene, shuffled


@dataclass(frozen=True)
class Scale:
    """How long each part takes.

    Attributes:
        pictures_each: Pictures of each kind for the floor, the path and the load.
        live_frames: Frames that a live session is asked for one by one.
        cameras: How many cameras are followed, in turn.
        stream_s: Seconds that each such number is measured.
        clip_frames: Frames that the cameras repeat.
        clients: How many clients ask at once, in turn.
        load_s: Seconds that each such number is measured.
        detection_each: Pictures of each kind for the search's quality.
        starts: How often each service is started.
        requests: After how many requests memory is looked at.
        growth_pictures: Pictures of each size and of each number of faces.
        growth_uploads: How often each is uploaded.
        growth_live_frames: Frames of it in a live session.
        growth_cameras: How many cameras at 10 frames a second are followed, in turn.
        growth_clients: How many clients ask at once, in turn.
        growth_s: Seconds that each such number is measured.
        peer_pictures_each: Pictures of each kind that other systems look at.
        peer_rounds: How often a session and the others take turns.
        peer_session_s: Seconds of each such session.
        peer_frames: Frames that each of the others looks at in a turn.
    """

    pictures_each: int = 12
    live_frames: int = 300
    cameras: tuple[int, ...] = (1, 2, 4, 6, 8, 12)
    stream_s: float = 15.0
    clip_frames: int = 280
    clients: tuple[int, ...] = (1, 4, 16, 64)
    load_s: float = 10.0
    detection_each: int = 12
    starts: int = 7
    requests: tuple[int, ...] = (1_000, 10_000)
    growth_pictures: int = 5
    growth_uploads: int = 4
    growth_live_frames: int = 14
    growth_cameras: tuple[int, ...] = (1, 2, 4, 8)
    growth_clients: tuple[int, ...] = (1, 2, 4, 8)
    growth_s: float = 6.0
    peer_pictures_each: int = 6
    peer_rounds: int = 6
    peer_session_s: float = 6.0
    peer_frames: int = 12


FULL = Scale()
QUICK = Scale(
    pictures_each=1,
    live_frames=30,
    cameras=(1, 2),
    stream_s=3.0,
    clip_frames=70,
    clients=(1, 4),
    load_s=2.0,
    detection_each=1,
    starts=1,
    requests=(20, 40),
    growth_pictures=1,
    growth_uploads=1,
    growth_live_frames=2,
    growth_cameras=(1, 2),
    growth_clients=(1, 2),
    growth_s=1.0,
    peer_pictures_each=1,
    peer_rounds=1,
    peer_session_s=2.0,
    peer_frames=2,
)

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
