"""Ties ``emotion watch`` to the terminal and the gateway."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

import typer
from rich.console import Console
from rich.live import Live

from emotion_client.cli.exits import ExitCode, ending, say
from emotion_client.cli.watch_view import Watched, view
from emotion_client.cli.writers import flushing
from emotion_client.client import EmotionClient
from emotion_client.results import FeedStatus, LiveResult


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
