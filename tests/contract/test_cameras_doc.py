"""The page on cameras lists every state and every field of a camera, and settings that exist."""

import re

from services.capture.settings import CaptureSettings
from services.contracts.cameras import OFFLINE, CameraState, CameraView
from tests.support.markdown import rows
from tests.support.processes import ROOT

TEXT = (ROOT / "docs" / "cameras.md").read_text("utf-8")
STATES = TEXT.partition("## States")[2].partition("\n## ")[0]


def test_states_and_fields() -> None:
    first = [row[0] for row in rows(STATES)]
    states = first[first.index("state") + 1 : first.index("field")]
    assert set(states) == {*CameraState, OFFLINE}
    fields = {name for cell in first[first.index("field") + 1 :] for name in re.findall(r"\w+", cell)}
    assert fields == CameraView.__dataclass_fields__.keys() - {"id", "state"}


def test_settings_exist() -> None:
    named = set(re.findall(r"EMOTION_CAPTURE_(\w+)", TEXT))
    assert named
    assert {name.lower() for name in named} <= CaptureSettings.model_fields.keys()
