"""Finding faces, wherever that is done."""

from collections.abc import Sequence
from typing import Protocol

from services.contracts.detection import Detection
from services.contracts.geometry import Box
from services.gateway.deadline import Deadline


class FaceDetector(Protocol):
    """Finds the faces of an image."""

    async def detect(
        self, image: bytes, media_type: str, request_id: str, by: Deadline, *, near: Sequence[Box] = ()
    ) -> Detection:
        """Return the faces, by then; only those around the boxes ``near``, where any are given.

        Raises:
            ProblemError: The image can't be used, or the detector fails.
        """

    async def check(self) -> str:
        """Return what is found in a few words if the detector is ready; raise if not."""
