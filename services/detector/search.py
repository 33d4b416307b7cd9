"""Where to look: the whole image, or the surroundings of where faces were before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.contracts.detection import Searched
from services.contracts.geometry import Box
from services.detector.cascade import FaceFinder
from services.detector.change_detection import changes, overview
from services.detector.images import brightened
from services.detector.two_stage import Candidate, SearchParameters, Surroundings, distinct, faces_near, proposals

MOST_CHANGED = 0.6
"""Of a picture; where more has changed, searching all of it is as quick."""

AROUND_HINT = Surroundings(reach=0.33, smallest=0.82, largest=1.25)
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
        return Searched.FULL, self._among(gray, [_whole(gray)])

    def run_since(
        self, gray: NDArray[np.uint8], before: NDArray[np.uint8] | None, known: Sequence[Box] = ()
    ) -> tuple[Searched, list[Candidate], NDArray[np.uint8]]:
        """Search where a picture differs from an earlier one; everywhere if most of it does, or if there is none.

        Args:
            gray: uint8 [height, width].
            before: The overview that the search before returned.
            known: Faces that are followed, around which nothing new is looked for, unless everywhere.

        Returns:
            Where was searched, what was found there, and the overview for the next search.
        """
        gray = brightened(gray)
        changed = None if before is None else changes(gray, before, known)
        if changed is None or changed.share > MOST_CHANGED:
            return Searched.FULL, self._among(gray, [_whole(gray)]), overview(gray)
        return Searched.CHANGES, self._among(gray, changed.places), changed.overview

    def _among(self, gray: NDArray[np.uint8], places: Sequence[Box]) -> list[Candidate]:
        smallest = round(self.parameters.min_face_px * max(1.0, max(gray.shape) / self.side_px))
        parameters = replace(self.parameters, min_face_px=smallest)
        proposed = [box for place in places for box in self._proposed(gray, place, smallest)]
        return distinct(
            [face for box in proposed for face in faces_near(self.finder, gray, box, AROUND_PROPOSAL, parameters)]
        )

    def _proposed(self, gray: NDArray[np.uint8], place: Box, smallest_px: int) -> list[Box]:
        inside = gray[place.y : place.y + place.h, place.x : place.x + place.w]
        found = proposals(self.finder, inside, self.parameters.scale_factor, smallest_px)
        return [Box(box.x + place.x, box.y + place.y, box.w, box.h) for box in found]


def _whole(gray: NDArray[np.uint8]) -> Box:
    height, width = gray.shape
    return Box(0, 0, width, height)
