"""Finding faces, wherever that is done."""

from typing import Protocol

from services.contracts.detection import Detection


class FaceDetector(Protocol):
    """Finds the faces of an image."""

    async def detect(self, image: bytes, media_type: str, request_id: str) -> Detection:
        """Return the faces.

        Raises:
            ProblemError: The image can't be used, or the detector fails.
        """

    async def check(self) -> str:
        """Return what is found in a few words if the detector is ready; raise if not."""
