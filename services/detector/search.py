"""Which parts of an image are searched: regions of interest, what has changed, or all of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.contracts.detection import SearchScope
from services.contracts.geometry import Box, non_max_suppression
from services.detector.cascade import CascadeClassifier, HaarCascade
from services.detector.change_detection import find_changes, reference_frame
from services.detector.images import stretch_brightness
from services.detector.options import SearchSettings
from services.detector.two_stage import Candidate, SearchParameters, SearchWindow, propose_regions, verify_region

MAX_CHANGED_SHARE = 0.6
"""Share of an image. If more of it has changed, searching the whole image takes no longer."""

ROI_WINDOW = SearchWindow(margin=0.33, min_face=0.82, max_face=1.25)
"""From one frame to the next few faces move or grow farther, also at ten frames a second. A larger window takes more
time."""

PROPOSAL_WINDOW = SearchWindow(margin=0.35, min_face=0.72, max_face=1.4)
"""As far as the mean of a face's raw detections lies from any one of them."""


@dataclass(frozen=True)
class FaceDetector:
    """Finds faces in grayscale images, uint8 [height, width].

    Attributes:
        cascade: The classifier.
        parameters: For the image as it is searched.
        side_px: In images with a longer side, the smallest face grows in proportion.
    """

    cascade: CascadeClassifier
    parameters: SearchParameters
    side_px: int

    def detect(
        self, gray: NDArray[np.uint8], rois: Sequence[Box], fallback_full: bool = True
    ) -> tuple[SearchScope, list[Candidate]]:
        """Search around regions of interest.

        The whole image is searched if there are no regions, or if one yields no face and ``fallback_full`` is set.

        Returns:
            The part that was searched, and the faces, the surest first.
        """
        gray = stretch_brightness(gray)
        if rois:
            found = [verify_region(self.cascade, gray, roi, ROI_WINDOW, self.parameters) for roi in rois]
            if all(found) or not fallback_full:
                return SearchScope.ROI, _distinct([candidate for faces in found for candidate in faces])
        return SearchScope.FULL, self._detect_in(gray, [_whole(gray)])

    def detect_changed(
        self, gray: NDArray[np.uint8], reference: NDArray[np.uint8] | None, tracked: Sequence[Box] = ()
    ) -> tuple[SearchScope, list[Candidate], NDArray[np.uint8]]:
        """Search where an image differs from a reference frame.

        The whole image is searched if there is no reference, or if most of the image differs from it.

        Args:
            gray: uint8 [height, width].
            reference: The reference frame that the detection before returned.
            tracked: Faces that are tracked already: changes around them are left out, unless the whole image is
                searched.

        Returns:
            The part that was searched, the faces found there, and the next reference frame, uint8 [rows, 64].
        """
        gray = stretch_brightness(gray)
        changes = None if reference is None else find_changes(gray, reference, tracked)
        if changes is None or changes.share > MAX_CHANGED_SHARE:
            return SearchScope.FULL, self._detect_in(gray, [_whole(gray)]), reference_frame(gray)
        return SearchScope.CHANGED, self._detect_in(gray, changes.regions), changes.reference

    def _detect_in(self, gray: NDArray[np.uint8], regions: Sequence[Box]) -> list[Candidate]:
        min_face_px = round(self.parameters.min_face_px * max(1.0, max(gray.shape) / self.side_px))
        parameters = replace(self.parameters, min_face_px=min_face_px)
        proposals = [box for region in regions for box in self._propose_in(gray, region, min_face_px)]
        return _distinct(
            [
                face
                for proposal in proposals
                for face in verify_region(self.cascade, gray, proposal, PROPOSAL_WINDOW, parameters)
            ]
        )

    def _propose_in(self, gray: NDArray[np.uint8], region: Box, min_face_px: int) -> list[Box]:
        inside = gray[region.y : region.y + region.h, region.x : region.x + region.w]
        proposals = propose_regions(self.cascade, inside, self.parameters.scale_factor, min_face_px)
        return [Box(box.x + region.x, box.y + region.y, box.w, box.h) for box in proposals]


def create_face_detector(settings: SearchSettings) -> FaceDetector:
    """Return a face detector with a cascade of its own, for use by one thread at a time.

    Raises:
        CascadeError: The cascade can't be loaded.
    """
    parameters = SearchParameters(settings.scale_factor, settings.min_neighbors, settings.min_face_px)
    return FaceDetector(HaarCascade(settings.cascade), parameters, settings.search_side_px)


def _distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    by_weight = sorted(candidates, key=lambda candidate: candidate.weight, reverse=True)
    return non_max_suppression(by_weight, lambda candidate: candidate.box)


def _whole(gray: NDArray[np.uint8]) -> Box:
    height, width = gray.shape
    return Box(0, 0, width, height)
