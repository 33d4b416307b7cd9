"""Finding faces, wherever that is done."""

from typing import Protocol

from services.contracts.detection import Detection
from services.gateway.deadline import Deadline


class FaceDetector(Protocol):
    """Finds the faces of an image."""

    async def detect(self, image: bytes, media_type: str, request_id: str, by: Deadline) -> Detection:
        """Return the faces, by then.

        Raises:
            ProblemError: The image can't be used, or the detector fails.
        """

    async def check(self) -> str:
        """Return what is found in a few words if the detector is ready; raise if not."""
