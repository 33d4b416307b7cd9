"""What a client of CompreFace's face detection asks for (docs/Rest-API-description.md of CompreFace 1.2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.gateway.familiar.reading import UnreadableError

_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class Detect:
    """What may stand in the query.

    ``face_plugins`` isn't among it: CompreFace passes over plugins that aren't installed, and the emotion is always
    there, since its clients for Python and JavaScript refuse to send a name that they don't know.

    Attributes:
        limit: Most faces, the largest first; 0 for all.
        threshold: The least probability that a face is one, 0 to 1.
        status: Whether times and versions are told.
    """

    limit: int = 0
    threshold: float = 0.0
    status: bool = False


def read_detect(query: Mapping[str, str]) -> Detect:
    """Return what is asked for; what is empty counts as left out.

    Raises:
        UnreadableError: A value can't be used.
    """
    return Detect(
        limit=_limit(query.get("limit") or "0"),
        threshold=_threshold(query.get("det_prob_threshold") or "0"),
        status=_status(query.get("status") or "false"),
    )


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise UnreadableError("limit must be a whole number, 0 or more")
    return int(text)


def _threshold(text: str) -> float:
    try:
        threshold = float(text)
    except ValueError:
        threshold = -1.0
    if not 0 <= threshold <= 1:
        raise UnreadableError("det_prob_threshold must be a number from 0 to 1")
    return threshold


def _status(text: str) -> bool:
    found = _TRUTHS.get(text.lower())
    if found is None:
        raise UnreadableError("status must be true or false")
    return found
