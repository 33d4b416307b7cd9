"""Reads configuration files, which are protocol messages as text."""

from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from services.serving.errors import InvalidArgumentError

M = TypeVar("M", bound=Message)


def read_text_config(path: Path, message: M) -> M:
    """Fill a message from a file and return it.

    Raises:
        InvalidArgumentError: The file can't be read, or isn't such a message.
    """
    try:
        text = path.read_text()
        return text_format.Parse(text, message)
    except OSError as error:
        raise InvalidArgumentError(f"{path} can't be read: {error.strerror}") from error
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"Invalid protobuf file: '{path}': {error}") from error
