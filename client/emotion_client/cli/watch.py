"""``emotion watch``: the live results of a camera, in the terminal or as JSON lines."""

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

from emotion_client.cli.exit_codes import ExitCode, exit_on_error, print_error, which_camera
from emotion_client.cli.output import flushing
from emotion_client.client import EmotionClient
from emotion_client.results import FeedStatus, LiveResult
from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.live import EmotionEvent
from services.contracts.prediction import CameraSource, FaceEmotion
from services.contracts.text import escape_controls

BAR_WIDTH = 30
_MAX_EVENTS = 5
_FPS_WINDOW_S = 3.0
_MIN_FPS_WINDOW_S = 0.5  # the first results arrive in a burst
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


def run_watch(client: EmotionClient, camera: str | None, fps: float | None, count: int | None, is_jsonl: bool) -> None:
    """Show a camera's results until Ctrl-C or the count ends the command.

    Args:
        client: Closed at the end.
        camera: Id of the camera; optional if there is only one.
        fps: Maximum number of results a second.
        count: Stop after this many results.
        is_jsonl: Write JSON lines instead of the live view.
    """
    with exit_on_error(), client:
        camera = camera or _only_camera(client)
        if is_jsonl:
            _write_lines(client, camera, fps, count)
        else:
            _show_live(client, camera, fps, count)


def _only_camera(client: EmotionClient) -> str:
    ids = tuple(camera.id for camera in client.cameras())
    if len(ids) == 1:
        return ids[0]
    print_error(which_camera(ids) if ids else "The gateway has no cameras. To find out why, run: emotion doctor")
    raise typer.Exit(ExitCode.USAGE if ids else ExitCode.UNREACHABLE)


def _write_lines(client: EmotionClient, camera: str, fps: float | None, count: int | None) -> None:
    write = flushing(sys.stdout)

    def on_status(status: FeedStatus) -> None:
        print_error(f"{camera}: {status_text(status)}")

    with closing(client.stream(camera, fps, on_status)) as results:
        for result in islice(results, count):
            write(result.to_json() + "\n")


def _show_live(client: EmotionClient, camera: str, fps: float | None, count: int | None) -> None:
    state = WatchState(camera)
    with Live(console=Console(), refresh_per_second=10, get_renderable=lambda: view(state, time.monotonic())):

        def on_status(status: FeedStatus) -> None:
            state.status = status

        with closing(client.stream(camera, fps, on_status)) as results:
            _add_all(islice(results, count), state)


def _add_all(results: Iterator[LiveResult], state: "WatchState") -> None:
    for result in results:
        state.add(result, time.monotonic())


@dataclass
class WatchState:
    """What the live view shows.

    Attributes:
        camera: Id of the camera.
        latest: The newest result.
        status: The last status of the feed, until a result follows.
        dropped: Frames and results dropped since the start.
        events: The newest events, newest last.
    """

    camera: str
    latest: LiveResult | None = None
    status: FeedStatus | None = None
    dropped: int = 0
    events: deque[EmotionEvent] = field(default_factory=lambda: deque(maxlen=_MAX_EVENTS))
    _arrivals_s: deque[float] = field(default_factory=deque)

    def add(self, result: LiveResult, now_s: float) -> None:
        """Add a result."""
        self.latest = result
        self.dropped += result.dropped.total
        self.events.extend(result.events)
        self._arrivals_s.append(now_s)
        self._expire(now_s)
        if self.status is not None and self.status.state != "closing":
            self.status = None

    def fps(self, now_s: float) -> float:
        """Return the recent number of results a second; 0 until it can be measured."""
        self._expire(now_s)
        if not self._arrivals_s or now_s - self._arrivals_s[0] < _MIN_FPS_WINDOW_S:
            return 0.0
        return (len(self._arrivals_s) - 1) / (now_s - self._arrivals_s[0])

    def _expire(self, now_s: float) -> None:
        while self._arrivals_s and now_s - self._arrivals_s[0] > _FPS_WINDOW_S:
            self._arrivals_s.popleft()


def status_text(status: FeedStatus) -> str:
    """Return a feed's state and its problem, if it has one."""
    return f"{status.state}: {status.detail}" if status.detail else status.state


def view(state: WatchState, now_s: float) -> RenderableType:
    """Return the live view."""
    parts: list[RenderableType] = [_header(state, now_s)]
    if state.status is not None and state.status.state != "ok":
        parts.append(Text(escape_controls(status_text(state.status)), style="bold red"))
    if state.latest is None:
        parts.append(Text("waiting for the first result", style="dim"))
    else:
        faces = state.latest.prediction.faces
        parts.extend(_face_panel(face) for face in faces)
        if not faces:
            parts.append(Text("no face", style="dim"))
    parts.extend(_event_line(event) for event in state.events)
    parts.append(Text("Press Ctrl-C to stop", style="dim"))
    return Group(*parts)


def _header(state: WatchState, now_s: float) -> Text:
    source = state.latest.prediction.source if state.latest else None
    age = f"{source.age_ms:.0f} ms old" if isinstance(source, CameraSource) else "–"
    header = Text(escape_controls(state.camera), style="bold")
    return header.append(f"   {state.fps(now_s):.1f} fps   {age}   {state.dropped} dropped", style="not bold")


def _face_panel(face: FaceEmotion) -> Panel:
    scores = face.smoothed or face.probabilities
    bars = Table.grid(padding=(0, 1))
    for emotion in EMOTIONS:
        style = COLOURS[emotion] if face.reliable else "bright_black"
        name = Text(emotion.value, style="bold" if emotion is face.emotion else "")
        bars.add_row(name, Text(bar(scores[emotion]), style=style), f"{scores[emotion]:4.0%}")
    title = Text(face.emotion.value if face.reliable else f"{face.emotion.value}? uncertain")
    label = f"face {face.face_id}" if face.face_id else f"{face.box.w}×{face.box.h} at {face.box.x},{face.box.y}"
    return Panel(
        bars,
        title=title,
        title_align="left",
        subtitle=Text(escape_controls(label)),
        subtitle_align="left",
        expand=False,
    )


def _event_line(event: EmotionEvent) -> Text:
    change = "started" if event.duration_s is None else f"ended after {event.duration_s:.1f} s"
    return Text(escape_controls(f"face {event.face_id}: {event.emotion.value} {change}"), style="dim")


def bar(share: float) -> str:
    """Return a bar of ``BAR_WIDTH`` cells, filled to an eighth of a cell."""
    eighths = round(min(1.0, max(0.0, share)) * BAR_WIDTH * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + _EIGHTHS[rest]).ljust(BAR_WIDTH)
