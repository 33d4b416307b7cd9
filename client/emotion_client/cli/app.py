"""The commands, their options and their help texts."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from emotion_client.cli.doctor.command import run_doctor
from emotion_client.cli.exit_codes import exit_on_error
from emotion_client.cli.output import Format, cameras_table, cameras_text, flushing, resolve_format
from emotion_client.cli.predict import run_predict
from emotion_client.cli.watch import run_watch
from emotion_client.client import EmotionClient
from emotion_client.transport import DEFAULT_TIMEOUT_S, DEFAULT_URL

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Recognise the emotions of faces in images, videos and cameras, with a running gateway.",
    epilog="Exit codes: 0 success, 1 some inputs failed, 2 wrong usage, 3 gateway unreachable, 4 access denied, "
    "130 Ctrl-C.",
)

Url = Annotated[str, typer.Option("--url", envvar="EMOTION_URL", help="URL of the gateway.")]
ApiKey = Annotated[
    str | None,
    typer.Option("--api-key", envvar="EMOTION_API_KEY", show_envvar=True, help="API key, if the gateway requires one."),
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.1, help="Seconds to wait for one response, including retries.")
]
FORMAT_HELP = "Output format. Default: a table in a terminal, otherwise JSON lines."
AnyFormat = Annotated[Format | None, typer.Option("--format", "-f", help=FORMAT_HELP, case_sensitive=False)]
TableOrJsonl = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        help=FORMAT_HELP,
        case_sensitive=False,
        metavar="[table|jsonl]",
        callback=lambda chosen: _reject_csv(chosen),
    ),
]


def _reject_csv(chosen: Format | None) -> Format | None:
    if chosen is Format.CSV:
        raise typer.BadParameter("choose table or jsonl; this command has no CSV output")
    return chosen


def open_client(url: str, api_key: str | None, timeout: float) -> EmotionClient:
    """Return a client.

    Raises:
        typer.BadParameter: The URL is invalid.
    """
    try:
        return EmotionClient(url or DEFAULT_URL, api_key, timeout=timeout)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error


@app.command(
    epilog="Examples:\n\n"
    "emotion predict face.jpg\n\n"
    "emotion predict photos/ --format csv --output photos.csv\n\n"
    "emotion predict film.mp4 --fps 5 --output film.jsonl\n\n"
    'emotion predict *.png | jq -r \'.file + " " + (.emotion // "no face")\'\n\n'
    "emotion predict - < face.jpg"
)
def predict(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Images, videos, folders of them, or - for an image on standard input."),
    ],
    format_: AnyFormat = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of standard output.")
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option("--fps", min=0.01, help="Frames to analyse for each second of a video. Default: all."),
    ] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Analyse images, folders of images, and videos.

    Faces in a video are tracked: each has a face_id and smoothed probabilities.

    The command continues after an input that fails; its exit code is then 1.
    """
    run_predict(open_client(url, api_key, timeout), files, format_, output, fps)


@app.command(
    epilog="Examples:\n\nemotion watch cam0\n\nemotion watch door --fps 5 --url http://cam.example.org:8000\n\n"
    "emotion watch cam0 --format jsonl --count 100 > results.jsonl"
)
def watch(
    camera: Annotated[
        str | None,
        typer.Argument(metavar="CAMERA", help="Id of the camera; optional if the gateway has only one."),
    ] = None,
    fps: Annotated[
        float | None, typer.Option("--fps", min=0.01, max=120, help="Maximum number of results a second. Default: all.")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="Stop after this many results.")] = None,
    format_: TableOrJsonl = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Show a camera's live results: the probabilities of each face, the age of the frame, drops and events.

    If the connection is lost, the command reconnects and resumes after the last result.
    """
    is_jsonl = resolve_format(format_) is Format.JSONL
    run_watch(open_client(url, api_key, timeout), camera, fps, count, is_jsonl)


@app.command(epilog="Examples:\n\nemotion cameras\n\nemotion cameras | jq -r .id")
def cameras(
    format_: AnyFormat = None, url: Url = DEFAULT_URL, api_key: ApiKey = None, timeout: Timeout = DEFAULT_TIMEOUT_S
) -> None:
    """List the gateway's cameras and their state."""
    format_ = resolve_format(format_)
    with exit_on_error(), open_client(url, api_key, timeout) as client:
        listed = client.cameras()
        if format_ is Format.TABLE:
            Console(soft_wrap=not sys.stdout.isatty()).print(cameras_table(listed))
        else:
            flushing(sys.stdout)(cameras_text(listed, format_))


@app.command(epilog="Examples:\n\nemotion doctor\n\nemotion doctor --no-measure --format jsonl")
def doctor(
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Open each camera of this machine for up to 3 seconds.")
    ] = True,
    format_: TableOrJsonl = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Check the gateway, its services and the cameras of this machine, and suggest a command for each problem.

    The exit code is 1 if there is a problem, and 3 if the gateway can't be reached.
    """
    run_doctor(open_client(url, api_key, timeout), url, measure, resolve_format(format_))
