"""Finding faces, wherever that is done."""

from collections.abc import Sequence
from typing import Protocol

from services.contracts.detection import Detection
from services.contracts.geometry import Box
from services.gateway.deadline import Deadline


class FaceDetector(Protocol):
    """Finds the faces of an image."""

    async def detect(
        self,
        image: bytes,
        media_type: str,
        request_id: str,
        by: Deadline,
        *,
        near: Sequence[Box] = (),
        overview: str | None = None,
    ) -> Detection:
        """Return the faces, by then.

        Args:
            image: The image.
            media_type: What it is.
            request_id: For the logs.
            by: When the answer must be there.
            near: Boxes around which to look, and nowhere else; with an overview, faces that are known already.
            overview: That of an earlier answer about the same camera, to look only where the image differs; empty
                for a first one.

        Raises:
            ProblemError: The image can't be used, or the detector fails.
        """

    async def check(self) -> str:
        """Return what is found in a few words if the detector is ready; raise if not."""
