"""Which media types a route accepts."""

from collections.abc import Collection

from starlette.datastructures import Headers

from services.contracts.problems import ProblemKind
from services.runtime.problems import ProblemError


def media_type(headers: Headers) -> str:
    """Return a request's media type in lower case without its parameters; empty if none is stated."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def require_media_type(headers: Headers, accepted: Collection[str]) -> str:
    """Return the media type; a request that states none is taken by its bytes.

    Raises:
        ProblemError: 415, the type isn't one of those accepted.
    """
    stated = media_type(headers)
    if stated and stated not in accepted:
        raise ProblemError(
            ProblemKind.UNSUPPORTED_MEDIA_TYPE,
            f"Accepted are {', '.join(accepted)}; got {stated[:100]}",
            accepted=list(accepted),
        )
    return stated
