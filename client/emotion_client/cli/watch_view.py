"""The live view of a camera in the terminal: what it knows, and how it looks."""

from collections import deque
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

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
