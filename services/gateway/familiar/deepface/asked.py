"""What a client of DeepFace's API asks for (deepface/api/src/modules/core/routes.py, DeepFace 0.0.100)."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.gateway.familiar.reading import UnreadableError, read_base64

KNOWN_ACTIONS = ("emotion", "age", "gender", "race")
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_MARKS = str.maketrans("", "", "[]()\"' ")


@dataclass(frozen=True)
class Analyze:
    """A request that can be answered.

    Attributes:
        image: Not decoded.
        enforce_detection: Whether it is an error that there is no face.
    """

    image: bytes
    enforce_detection: bool


def read_analyze(fields: Mapping[str, object], file: bytes | None) -> Analyze:
    """Return what is asked for.

    ``align`` and ``detector_backend`` are taken and change nothing; what would change the meaning of the answer, and
    can't be done here, is refused.

    Args:
        fields: Of the JSON object, or of the form.
        file: The form's file ``img``, if there is one.

    Raises:
        UnreadableError: A field can't be used.
    """
    _check_actions(fields.get("actions"))
    _truth(fields, "align", default=True)
    if fields.get("detector_backend") == "skip":
        raise UnreadableError("detector_backend 'skip' isn't there: faces are always looked for")
    if _truth(fields, "anti_spoofing", default=False):
        raise UnreadableError("anti_spoofing isn't there: a picture of a picture can't be told apart")
    enforce = _truth(fields, "enforce_detection", default=True)
    return Analyze(_image(fields.get("img")) if file is None else file, enforce)


def _check_actions(given: object) -> None:
    """Accept actions with the emotion among them: as a list, or as a form writes one."""
    if given is None:
        return
    actions = [name for name in given[:200].translate(_MARKS).split(",") if name] if isinstance(given, str) else given
    if not isinstance(actions, list) or not all(action in KNOWN_ACTIONS for action in actions):
        raise UnreadableError(f"actions must be a list of {', '.join(KNOWN_ACTIONS)}")
    if "emotion" not in actions:
        raise UnreadableError("actions must name emotion: it is the only one here")


def _truth(fields: Mapping[str, object], name: str, default: bool) -> bool:
    """Return a boolean. A form has strings only, and the string ``False`` isn't true."""
    given = fields.get(name, default)
    found = _TRUTHS.get(str(given).lower()) if isinstance(given, bool | int | str) else None
    if found is None:
        raise UnreadableError(f"{name} must be true or false")
    return found


def _image(given: object) -> bytes:
    if not isinstance(given, str) or not given:
        raise UnreadableError("img is missing")
    head, comma, data = given.partition(",")
    if not head.startswith("data:image/") or not comma or not head.endswith(";base64"):
        raise UnreadableError(
            "img must be the file of a form or a data URI, data:image/jpeg;base64,...: "
            "no URL is fetched and no file is read here"
        )
    try:
        return read_base64(data)
    except UnreadableError as error:
        raise UnreadableError(f"img: {error}") from error
