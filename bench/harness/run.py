"""What benchmarks share: their scale, the running system, images and progress bars."""

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
    """How much each benchmark measures.

    Attributes:
        images_per_kind: Images of each kind for baseline, overhead and load.
        live_frames: Frames of a live session, published one by one.
        cameras: Numbers of cameras.
        stream_s: Seconds for each number of cameras.
        clip_frames: Frames of the clip that cameras repeat.
        clients: Numbers of concurrent clients.
        load_s: Seconds for each number of clients.
        detection_images_per_kind: Images of each kind for the detection quality.
        starts: Starts of each service.
        requests: Numbers of requests after which memory is measured.
        scaling_images: Images of each size and of each number of faces.
        scaling_uploads: Uploads of each image.
        scaling_live_frames: Frames of each image in a live session.
        scaling_cameras: Numbers of cameras at 10 frames a second.
        scaling_clients: Numbers of concurrent clients.
        scaling_s: Seconds for each number of cameras or clients.
        competitor_images_per_kind: Images of each kind for all systems.
        competitor_rounds: Rounds of a live session and the competitors.
        competitor_session_s: Seconds of the live session in a round.
        competitor_frames: Frames for each competitor in a round.
    """

    images_per_kind: int = 12
    live_frames: int = 300
    cameras: tuple[int, ...] = (1, 2, 4, 6, 8, 12)
    stream_s: float = 15.0
    clip_frames: int = 280
    clients: tuple[int, ...] = (1, 4, 16, 64)
    load_s: float = 10.0
    detection_images_per_kind: int = 12
    starts: int = 7
    requests: tuple[int, ...] = (1_000, 10_000)
    scaling_images: int = 5
    scaling_uploads: int = 4
    scaling_live_frames: int = 14
    scaling_cameras: tuple[int, ...] = (1, 2, 4, 8)
    scaling_clients: tuple[int, ...] = (1, 2, 4, 8)
    scaling_s: float = 6.0
    competitor_images_per_kind: int = 6
    competitor_rounds: int = 6
    competitor_session_s: float = 6.0
    competitor_frames: int = 12


FULL = Scale()
QUICK = Scale(
    images_per_kind=1,
    live_frames=10,
    cameras=(1, 2),
    stream_s=1.5,
    clip_frames=30,
    clients=(1, 4),
    load_s=3.0,
    detection_images_per_kind=1,
    starts=1,
    requests=(20, 40),
    scaling_images=1,
    scaling_uploads=1,
    scaling_live_frames=2,
    scaling_cameras=(1, 2),
    scaling_clients=(1, 2),
    scaling_s=1.0,
    competitor_images_per_kind=1,
    competitor_rounds=1,
    competitor_session_s=2.0,
    competitor_frames=2,
)

T = TypeVar("T")


@dataclass
class Run:
    """One run of the benchmarks.

    Attributes:
        scale: How much is measured.
        seed: Seed of the images.
        folder: Folder of the logs.
        progress: The progress bars.
        exit_stack: Resources that are closed at the end.
    """

    scale: Scale
    seed: int
    folder: Path
    progress: Progress
    exit_stack: ExitStack
    _stack: list[Stack] = field(default_factory=list)
    _images: list[Scene] = field(default_factory=list)
    _clip: list[ClipFrame] = field(default_factory=list)

    def stack(self) -> Stack:
        """Return the running system; the first call starts it.

        Raises:
            StackError: It doesn't start.
        """
        if not self._stack:
            with self.step("start the system", None):
                self._stack.append(self.exit_stack.enter_context(running_stack(self.folder)))
        return self._stack[0]

    def images(self) -> Sequence[Scene]:
        """Return images of each kind in random order; the first call composes them."""
        if not self._images:
            with self.step("compose images", None):
                self._images += shuffled(self.scale.images_per_kind, self.seed)
        return self._images

    def clip(self) -> Sequence[ClipFrame]:
        """Return the clip of the cameras; the first call composes it."""
        if not self._clip:
            frames = self.scale.clip_frames
            self._clip += self.track("compose frames", compose(frames, self.seed), frames)
        return self._clip

    def track(self, what: str, items: Iterable[T], total: int) -> Iterator[T]:
        """Yield the items and show the progress."""
        yield from self.progress.track(items, total, description=what)

    def step(self, what: str, total: float | None) -> "ProgressStep":
        """Return a progress bar; without a total it is animated."""
        return ProgressStep(self.progress, what, total)


class ProgressStep:
    """A progress bar during a block."""

    def __init__(self, progress: Progress, what: str, total: float | None) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total)
        self._total = total

    def __enter__(self) -> "ProgressStep":
        return self

    def __exit__(self, *_: object) -> None:
        done = self._total or 1
        self._progress.update(self._task, total=done, completed=done)

    def advance(self, by: float = 1) -> None:
        """Advance the bar."""
        self._progress.advance(self._task, by)


@dataclass(frozen=True)
class Scenario:
    """One benchmark.

    Attributes:
        description: For the help text.
        measure: Returns the results for the JSON report.
        tables: Returns the tables of the results.
    """

    description: str
    measure: Callable[[Run], dict[str, Any]]
    tables: Callable[[Mapping[str, Any]], list[Table]]
