"""Cuts passwords and tokens out of text that people see: logs, statuses, errors."""

import re

_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<rest>\S*)", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"(?P<name>(?:pass(?:word|wd|phrase)?|pwd|psw|token|secret|auth|authorization|credentials?|sig|signature|"
    r"(?:api|access|private|stream)?[_-]?key|session(?:id)?|access[_-]?token|user(?:name)?|login))"
    r"=[^&;\s/#]+",
    re.IGNORECASE,
)
HIDDEN = "***"


def cut_credentials(text: str) -> str:
    """Return the text without what may be secret in its URLs.

    ``user:password@`` goes, and so do the values of parameters that sound like secrets. Where an ``@``
    stands past the host, nobody can tell a path from a password that wasn't percent-encoded: then
    everything before the last ``@`` goes, host included.
    """
    return _URL.sub(_cut_url, text)


def _cut_url(match: re.Match[str]) -> str:
    before, at, after = match["rest"].rpartition("@")
    plain = not re.search(r"[/?#@]", before)
    rest = after if plain else f"{HIDDEN}{at}{after}"
    return match["scheme"] + _SECRET_VALUE.sub(lambda found: f"{found['name']}={HIDDEN}", rest)
