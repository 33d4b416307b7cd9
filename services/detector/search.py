"""Where to look: the whole image, or the surroundings of where faces were before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.contracts.detection import Searched
from services.contracts.geometry import Box
from services.detector.brightness import brightened
from services.detector.candidates import Candidate, distinct
from services.detector.confirm import SearchParameters, Surroundings, faces_near
from services.detector.finder import FaceFinder
from services.detector.propose import proposals

AROUND_HINT = Surroundings(reach=0.4, smallest=0.8, largest=1.25)
"""From one frame to the next few faces move or grow as far, at ten a second too. Time goes with the room given."""

AROUND_PROPOSAL = Surroundings(reach=0.35, smallest=0.72, largest=1.4)
"""As far as the mean of a face's hits lies from any one of them."""


@dataclass(frozen=True)
class FaceSearch:
    """A finder and how it searches.

    Attributes:
        finder: The cascade.
        parameters: For the image as it is searched.
        side_px: In images with a longer side, the smallest face grows with them.
    """

    finder: FaceFinder
    parameters: SearchParameters
    side_px: int

    def run(
        self, gray: NDArray[np.uint8], hints: Sequence[Box], elsewhere: bool = True
    ) -> tuple[Searched, list[Candidate]]:
        """Search around the hints; everywhere if there are none, or if one yields nothing and ``elsewhere`` says so."""
        gray = brightened(gray)
        if hints:
            found = [faces_near(self.finder, gray, hint, AROUND_HINT, self.parameters) for hint in hints]
            if all(found) or not elsewhere:
                return Searched.HINTS, distinct([candidate for faces in found for candidate in faces])
        return Searched.FULL, self._everywhere(gray)

    def _everywhere(self, gray: NDArray[np.uint8]) -> list[Candidate]:
        smallest = round(self.parameters.min_face_px * max(1.0, max(gray.shape) / self.side_px))
        parameters = replace(self.parameters, min_face_px=smallest)
        proposed = proposals(self.finder, gray, parameters.scale_factor, smallest)
        return distinct(
            [face for box in proposed for face in faces_near(self.finder, gray, box, AROUND_PROPOSAL, parameters)]
        )
