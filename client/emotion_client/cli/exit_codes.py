"""How the command line ends: exit codes, and one sentence on stderr."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from emotion_client.errors import (
    AccessError,
    CameraAmbiguousError,
    CameraNotFoundError,
    EmotionError,
    RequestError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from services.contracts.text import printable


class ExitCode(IntEnum):
    """What scripts learn."""

    OK = 0
    """Everything was done."""
    FAILED = 1
    """Some inputs failed, or ``doctor`` found something wrong."""
    USAGE = 2
    """The command was given wrongly, or names a camera that doesn't exist."""
    UNREACHABLE = 3
    """The gateway can't be reached or can't answer now."""
    REFUSED = 4
    """The gateway refuses: no API key, a wrong one, or the wrong name."""
    INTERRUPTED = 130
    """Ctrl-C."""
    BROKEN_PIPE = 141
    """Whoever read the output has gone; nothing is said about it."""


def exit_code(error: EmotionError) -> ExitCode:
    """Return how a command ends that failed with this error."""
    match error:
        case AccessError():
            return ExitCode.REFUSED
        case CameraNotFoundError() | CameraAmbiguousError() | RequestError():
            return ExitCode.USAGE
        case UnreachableError() | UnavailableError() | UnexpectedAnswerError():
            return ExitCode.UNREACHABLE
    return ExitCode.FAILED


def sentence(error: EmotionError) -> str:
    """Return what people are told."""
    match error:
        case UnreachableError():
            return f"The gateway can't be reached at {error} (--url or EMOTION_URL names another; try: emotion doctor)"
        case AccessError(status=401):
            return f"{error} (give it with --api-key or EMOTION_API_KEY)"
        case CameraAmbiguousError(cameras=cameras) if cameras:
            return f"Which camera? One of: {', '.join(cameras)}"
    return str(error)


def say(text: str) -> None:
    """Tell something on stderr, as one line that a terminal only shows."""
    typer.echo(printable(f"emotion: {text}"), err=True)


@contextmanager
def ending() -> Iterator[None]:
    """Turn what goes wrong in a command into its exit code.

    Raises:
        typer.Exit: It failed.
    """
    try:
        yield
    except EmotionError as error:
        say(sentence(error))
        raise typer.Exit(exit_code(error)) from error
    except BrokenPipeError as error:
        # The interpreter flushes what is left when it ends, which would fail again.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise typer.Exit(ExitCode.BROKEN_PIPE) from error
    except OSError as error:  # the output can't be written: a full disk, a folder that isn't there
        say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        raise typer.Exit(ExitCode.FAILED) from error
