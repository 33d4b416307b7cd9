"""Ties ``emotion watch`` to the terminal and the gateway."""

import json
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from emotion_client.cli.exit_codes import ExitCode, ending, say
from emotion_client.cli.output import flushing
from emotion_client.client import EmotionClient
from emotion_client.results import FeedStatus, LiveResult
from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.live import EmotionEvent
from services.contracts.prediction import CameraSource, FaceEmotion
from services.contracts.text import printable

BAR_WIDTH = 30
_EVENTS_SHOWN = 5
_FPS_WINDOW_S = 3.0
_FPS_LEAST_S = 0.5  # what comes in a heap at first says nothing
_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")

COLOURS: dict[Emotion, str] = {
    Emotion.ANGRY: "red",
    Emotion.DISGUST: "green",
    Emotion.FEAR: "magenta",
    Emotion.HAPPY: "yellow",
    Emotion.SAD: "blue",
    Emotion.SURPRISE: "cyan",
    Emotion.NEUTRAL: "white",
}


@dataclass
class Watched:
    """What was seen of a camera.

    Attributes:
        camera: Its id.
        latest: The newest result.
        status: What the feed said last of itself.
        dropped: Frames and results left out since the beginning.
        events: The newest ones, the newest last.
    """

    camera: str
    latest: LiveResult | None = None
    status: FeedStatus | None = None
    dropped: int = 0
    events: deque[EmotionEvent] = field(default_factory=lambda: deque(maxlen=_EVENTS_SHOWN))
    _came_s: deque[float] = field(default_factory=deque)

    def saw(self, result: LiveResult, now_s: float) -> None:
        """Take a result."""
        self.latest = result
        self.dropped += result.dropped.total
        self.events.extend(result.events)
        self._came_s.append(now_s)
        self._forget(now_s)
        if self.status is not None and self.status.state != "closing":
            self.status = None

    def fps(self, now_s: float) -> float:
        """Return how many results came in a second, of late; 0 where it is too early to tell."""
        self._forget(now_s)
        if not self._came_s or now_s - self._came_s[0] < _FPS_LEAST_S:
            return 0.0
        return (len(self._came_s) - 1) / (now_s - self._came_s[0])

    def _forget(self, now_s: float) -> None:
        while self._came_s and now_s - self._came_s[0] > _FPS_WINDOW_S:
            self._came_s.popleft()


def view(watched: Watched, now_s: float) -> RenderableType:
    """Return what the terminal shows now."""
    parts: list[RenderableType] = [_head(watched, now_s)]
    if watched.status is not None and watched.status.state != "ok":
        parts.append(
            Text(printable(f"{watched.status.state}: {watched.status.detail}".removesuffix(": ")), style="bold red")
        )
    if watched.latest is None:
        parts.append(Text("waiting for the first result", style="dim"))
    else:
        faces = watched.latest.prediction.faces
        parts.extend(_face(face) for face in faces)
        if not faces:
            parts.append(Text("no face", style="dim"))
    parts.extend(_event(event) for event in watched.events)
    parts.append(Text("Ctrl-C ends it", style="dim"))
    return Group(*parts)


def _head(watched: Watched, now_s: float) -> Text:
    source = watched.latest.prediction.source if watched.latest else None
    age = f"{source.age_ms:.0f} ms old" if isinstance(source, CameraSource) else "–"
    head = Text(printable(watched.camera), style="bold")
    return head.append(f"   {watched.fps(now_s):.1f} fps   {age}   {watched.dropped} dropped", style="not bold")


def _face(face: FaceEmotion) -> Panel:
    scores = face.smoothed or face.probabilities
    bars = Table.grid(padding=(0, 1))
    for emotion in EMOTIONS:
        style = COLOURS[emotion] if face.reliable else "bright_black"
        name = Text(emotion.value, style="bold" if emotion is face.emotion else "")
        bars.add_row(name, Text(bar(scores[emotion]), style=style), f"{scores[emotion]:4.0%}")
    title = Text(face.emotion.value if face.reliable else f"{face.emotion.value}? uncertain")
    who = f"face {face.face_id}" if face.face_id else f"{face.box.w}×{face.box.h} at {face.box.x},{face.box.y}"
    return Panel(
        bars, title=title, title_align="left", subtitle=Text(printable(who)), subtitle_align="left", expand=False
    )


def _event(event: EmotionEvent) -> Text:
    what = "began" if event.duration_s is None else f"ended after {event.duration_s:.1f} s"
    return Text(printable(f"face {event.face_id}: {event.emotion.value} {what}"), style="dim")


def bar(share: float) -> str:
    """Return a bar of ``BAR_WIDTH`` cells, filled by the share, to an eighth of a cell."""
    eighths = round(min(1.0, max(0.0, share)) * BAR_WIDTH * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + _EIGHTHS[rest]).ljust(BAR_WIDTH)


def run_watch(client: EmotionClient, camera: str | None, fps: float | None, count: int | None, lines: bool) -> None:
    """Show a camera's results as they come, until the caller or Ctrl-C ends it.

    Args:
        client: Is closed in the end.
        camera: May be None where there is one camera.
        fps: At most this many a second.
        count: End after this many results.
        lines: JSON lines instead of the view.
    """
    with ending(), client:
        chosen = camera or _only_camera(client)
        if lines:
            _print_lines(client, chosen, fps, count)
        else:
            _show(client, chosen, fps, count)


def _only_camera(client: EmotionClient) -> str:
    ids = [camera.id for camera in client.cameras()]
    if len(ids) == 1:
        return ids[0]
    say(f"Which camera? One of: {', '.join(ids)}" if ids else "The gateway has no camera (try: emotion doctor)")
    raise typer.Exit(ExitCode.USAGE if ids else ExitCode.UNREACHABLE)


def _print_lines(client: EmotionClient, camera: str, fps: float | None, count: int | None) -> None:
    write = flushing(sys.stdout)

    def on_status(status: FeedStatus) -> None:
        say(f"{camera}: {status.state}{': ' if status.detail else ''}{status.detail}")

    with closing(client.stream(camera, fps, on_status)) as results:
        for result in islice(results, count):
            write(json.dumps(result.encode()) + "\n")


def _show(client: EmotionClient, camera: str, fps: float | None, count: int | None) -> None:
    watched = Watched(camera)
    with Live(console=Console(), refresh_per_second=10, get_renderable=lambda: view(watched, time.monotonic())):

        def on_status(status: FeedStatus) -> None:
            watched.status = status

        with closing(client.stream(camera, fps, on_status)) as results:
            _take(islice(results, count), watched)


def _take(results: Iterator[LiveResult], watched: Watched) -> None:
    for result in results:
        watched.saw(result, time.monotonic())
