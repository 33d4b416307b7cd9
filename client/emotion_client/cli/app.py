"""The commands, their options and their help."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from emotion_client.cli.doctor.command import run_doctor
from emotion_client.cli.exit_codes import ending
from emotion_client.cli.output import (
    ApiKey,
    Format,
    Formatted,
    Timeout,
    Url,
    cameras_table,
    cameras_text,
    chosen_format,
    flushing,
    open_client,
)
from emotion_client.cli.predict import run_predict
from emotion_client.cli.watch import run_watch
from emotion_client.transport import DEFAULT_TIMEOUT_S, DEFAULT_URL

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Emotions of faces in images, videos and cameras, from a running gateway.",
    epilog="Exit codes: 0 done, 1 some inputs failed, 2 wrong usage, 3 gateway not reachable, 4 refused, 130 Ctrl-C.",
)

Fps = Annotated[float | None, typer.Option("--fps", min=0.01, max=120, help="At most this many a second; else all.")]


@app.command(
    epilog="Examples:\n\n"
    "emotion predict face.jpg\n\n"
    "emotion predict holiday/ --format csv --output holiday.csv\n\n"
    "emotion predict film.mp4 --fps 5 --output film.jsonl\n\n"
    'emotion predict *.png | jq -r \'.file + " " + (.emotion // "no face")\'\n\n'
    "emotion predict - < face.jpg"
)
def predict(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Images, videos, folders of them, or - for an image on standard input."),
    ],
    format_: Formatted = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file, in place of standard output.")] = None,
    fps: Annotated[
        float | None, typer.Option("--fps", min=0.01, help="Frames to analyse of each second of a video; else all.")
    ] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Analyse images, folders of images, and videos.

    Goes on after an input that fails; the exit code is 1 then.
    """
    run_predict(open_client(url, api_key, timeout), files, format_, output, fps)


@app.command(
    epilog="Examples:\n\nemotion watch cam0\n\nemotion watch door --fps 5 --url http://cam.example.org:8000\n\n"
    "emotion watch cam0 --format jsonl --count 100 > seen.jsonl"
)
def watch(
    camera: Annotated[
        str | None,
        typer.Argument(metavar="CAMERA", help="The camera's id; may be left out where there is one camera."),
    ] = None,
    fps: Fps = None,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="End after this many results.")] = None,
    format_: Formatted = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Watch a camera: bars for each face, how old the picture is, what was dropped, what began and ended.

    Goes on where it was when the connection is lost.
    """
    chosen = chosen_format(format_)
    if chosen is Format.CSV:
        raise typer.BadParameter("a live feed is a table or jsonl", param_hint="--format")
    run_watch(open_client(url, api_key, timeout), camera, fps, count, lines=chosen is Format.JSONL)


@app.command(epilog="Examples:\n\nemotion cameras\n\nemotion cameras | jq -r .id")
def cameras(
    format_: Formatted = None, url: Url = DEFAULT_URL, api_key: ApiKey = None, timeout: Timeout = DEFAULT_TIMEOUT_S
) -> None:
    """List the gateway's cameras and their state."""
    chosen = chosen_format(format_)
    with ending(), open_client(url, api_key, timeout) as client:
        known = client.cameras()
        if chosen is Format.TABLE:
            Console(soft_wrap=not sys.stdout.isatty()).print(cameras_table(known))
        else:
            flushing(sys.stdout)(cameras_text(known, chosen))


@app.command(epilog="Examples:\n\nemotion doctor\n\nemotion doctor --no-measure --format jsonl")
def doctor(
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Open each camera of this machine for a moment.")
    ] = True,
    format_: Formatted = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Find out what is wrong, here and at the gateway, and name the command that mends it.

    The exit code is 1 where something is wrong, 3 where the gateway can't be reached.
    """
    run_doctor(open_client(url, api_key, timeout), url, measure, chosen_format(format_))
