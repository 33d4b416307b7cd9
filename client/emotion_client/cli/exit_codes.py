"""How a command ends: exit codes, and one line on standard error."""

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
    UnexpectedResponseError,
    UnreachableError,
)
from services.contracts.text import escape_controls


class ExitCode(IntEnum):
    """Exit codes of every command."""

    OK = 0
    """Everything was done."""
    FAILED = 1
    """Some inputs failed, or ``doctor`` found a problem."""
    USAGE = 2
    """Wrong arguments, or a camera that doesn't exist."""
    UNREACHABLE = 3
    """The gateway can't be reached or can't answer now."""
    REFUSED = 4
    """The gateway denied access: no API key, a wrong one, or a host name that isn't allowed."""
    INTERRUPTED = 130
    """Ctrl-C."""
    BROKEN_PIPE = 141
    """The reader of standard output has closed it; nothing is printed."""


def exit_code(error: EmotionError) -> ExitCode:
    """Return the exit code for an error."""
    match error:
        case AccessError():
            return ExitCode.REFUSED
        case CameraNotFoundError() | CameraAmbiguousError() | RequestError():
            return ExitCode.USAGE
        case UnreachableError() | UnavailableError() | UnexpectedResponseError():
            return ExitCode.UNREACHABLE
    return ExitCode.FAILED


def user_message(error: EmotionError) -> str:
    """Return one sentence for an error, with the option that helps."""
    match error:
        case UnreachableError():
            return f"Can't reach the gateway at {error} (set --url or EMOTION_URL, or run: emotion doctor)"
        case AccessError(status=401):
            return f"{error} (set --api-key or EMOTION_API_KEY)"
        case CameraAmbiguousError(cameras=cameras) if cameras:
            return which_camera(cameras)
    return str(error)


def which_camera(cameras: tuple[str, ...]) -> str:
    """Return the message for a missing camera id."""
    return f"Several cameras; name one of: {', '.join(cameras)}"


def error_line(text: str) -> str:
    """Return a message as one line that is safe to show in a terminal."""
    return escape_controls(f"emotion: {text}")


def print_error(text: str) -> None:
    """Print one line on standard error."""
    typer.echo(error_line(text), err=True)


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turn an exception in a command into a message and an exit code.

    Raises:
        typer.Exit: The command failed.
    """
    try:
        yield
    except EmotionError as error:
        print_error(user_message(error))
        raise typer.Exit(exit_code(error)) from error
    except BrokenPipeError as error:
        # The interpreter flushes standard output when it ends, which would fail again.
        with open(os.devnull, "wb") as devnull:
            os.dup2(devnull.fileno(), sys.stdout.fileno())
        raise typer.Exit(ExitCode.BROKEN_PIPE) from error
    except OSError as error:  # the output can't be written: disk full, no such folder
        print_error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        raise typer.Exit(ExitCode.FAILED) from error
