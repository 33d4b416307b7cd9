"""The page on cameras explains every message and every state that capture has, and invents none."""

import re

from services.contracts.camera_list import OFFLINE, CameraView
from services.contracts.cameras import CameraState
from tests.contract.capture_messages import message_parts
from tests.support.markdown import rows
from tests.support.processes import ROOT

TEXT = (ROOT / "docs" / "cameras.md").read_text("utf-8")
ERRORS = TEXT.partition("## What errors mean")[2]
STATES = TEXT.partition("## States")[2].partition("## What errors mean")[0]
PARTS = message_parts()


def test_every_message_is_explained() -> None:
    assert len(PARTS) > 20
    assert [part for part in sorted(PARTS) if part not in ERRORS] == []


def test_every_explained_message_exists() -> None:
    told = [row[0] for row in rows(ERRORS) if row[0] != "message"]
    assert len(told) > 20
    assert [message for message in told if not any(part in message for part in PARTS)] == []


def test_states_and_fields() -> None:
    first = [row[0] for row in rows(STATES)]
    states = first[first.index("state") + 1 : first.index("field")]
    assert set(states) == {*CameraState, OFFLINE}
    fields = {name for cell in first[first.index("field") + 1 :] for name in re.findall(r"\w+", cell)}
    assert fields == CameraView.__dataclass_fields__.keys() - {"id", "state"}
