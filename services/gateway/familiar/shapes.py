"""What goes wrong, as another product would say it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.contracts.problems import Problem


@dataclass(frozen=True)
class OwnError:
    """An error in the shape of an API.

    Attributes:
        status: The HTTP status.
        body: The JSON object.
    """

    status: int
    body: Mapping[str, Any]


class RefusedError(Exception):
    """Ends a request with an error that only its API has."""

    def __init__(self, error: OwnError) -> None:
        super().__init__(error.body)
        self.error = error


@dataclass(frozen=True)
class ErrorShape:
    """How one API tells of the problems that every request can have.

    Attributes:
        owns: Whether a request with this method and path is the API's.
        of: The API's error for a problem.
        media_type: Of its errors.
        request_id_header: Where its clients look for the request id, besides ours.
    """

    owns: Callable[[str, str], bool]
    of: Callable[[Problem], OwnError]
    media_type: str = "application/json"
    request_id_header: str | None = None

    def headers(self, request_id: str) -> dict[str, str]:
        """Return the headers of an error."""
        own = {} if self.request_id_header is None else {self.request_id_header: request_id}
        return {"Content-Type": self.media_type, **own}
