"""Hypothesis strategies for the messages."""

from hypothesis import strategies as st

from services.contracts.cameras import CameraState, CameraStatus
from services.contracts.frames import FrameMessage
from services.contracts.geometry import Box

counts = st.integers(min_value=0, max_value=2**63 - 1)
sides_px = st.integers(min_value=0, max_value=65_535)
texts = st.text(st.characters(codec="utf-8").filter(str.isprintable), max_size=40)

frames = st.builds(
    FrameMessage,
    jpeg=st.binary(max_size=64),
    captured_at_us=st.integers(0, 253_402_300_799_999_000),
    delay_us=st.integers(0, 10_000_000),
    width=sides_px,
    height=sides_px,
    seq=counts,
)
statuses = st.builds(
    CameraStatus,
    state=st.sampled_from(CameraState),
    source=texts,
    fps=st.floats(0, 1000).map(lambda fps: round(fps, 2)),
    width=sides_px,
    height=sides_px,
    published=counts,
    dropped=counts,
    reconnects=counts,
    last_error=texts,
    delay_us=st.integers(0, 10_000_000),
)
_corners = st.integers(-999_999, 999_999)
_sides = st.integers(1, 999_999)
boxes = st.builds(Box, x=_corners, y=_corners, w=_sides, h=_sides)
