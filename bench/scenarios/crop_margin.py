"""Measures the cascade's box relative to the frame of a FER2013 image, which is the crop that the model knows.

``python -m bench.scenarios.crop_margin --data fer2013.csv`` scales validation faces up into 1280×720 scenes, runs
the detector's own search, and prints the ratio of the image's side to the box's side, which is
``CROP_SCALE`` of ``services/detector/preprocess.py``, and the offset of the image's centre from the
box's centre, in box sides, which must be near 0, since the crop is centred on the box.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box
from services.detector.search import create_face_detector
from services.detector.settings import DetectorSettings
from training.data.fer2013 import VALIDATION, read_splits

SCENE = (720, 1280)
SIDES_PX = (96, 144, 240)


def scene_with(face: NDArray[np.uint8], frame: Box, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a uint8 [720, 1280] scene of smooth random shade with the face scaled into the frame."""
    shade = rng.integers(40, 200, (9, 16)).astype(np.float32)
    scene = cv2.resize(shade, SCENE[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
    scaled = cv2.resize(face, (frame.w, frame.h), interpolation=cv2.INTER_CUBIC)
    scene[frame.y : frame.y + frame.h, frame.x : frame.x + frame.w] = scaled
    return scene


def geometry(images: NDArray[np.uint8], side: int, rng: np.random.Generator) -> Iterator[tuple[float, float, float]]:
    """Yield, for each face found, side ratio, horizontal and vertical offset of the frame from the box."""
    detector = create_face_detector(DetectorSettings().search())
    for image in images:
        frame = Box(int(rng.integers(0, SCENE[1] - side)), int(rng.integers(0, SCENE[0] - side)), side, side)
        scene = scene_with(image, frame, rng)
        reach = side // 2
        top, left = max(0, frame.y - reach), max(0, frame.x - reach)
        region = np.ascontiguousarray(scene[top : frame.y + side + reach, left : frame.x + side + reach])
        for candidate in detector.detect(region, [])[1][:1]:
            box = candidate.box
            yield (
                side / box.w,
                (frame.x + side / 2 - left - box.x - box.w / 2) / box.w,
                (frame.y + side / 2 - top - box.y - box.h / 2) / box.h,
            )


def main() -> None:
    """Print a line for each size, and the medians of all."""
    parser = argparse.ArgumentParser(prog="python -m bench.scenarios.crop_margin", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=1000, help="validation faces used (default: 1000)")
    arguments = parser.parse_args()
    rng = np.random.default_rng(7)
    images = read_splits(arguments.data)[VALIDATION].images
    images = images[rng.permutation(len(images))[: arguments.faces]]
    all_rows = []
    print("side_px   found   ratio q25 median q75   shift_x median   shift_y q25 median q75")
    for side in SIDES_PX:
        rows = np.array(list(geometry(images, side, rng)))
        all_rows.append(rows)
        ratio, x, y = (np.quantile(rows[:, column], (0.25, 0.5, 0.75)) for column in range(3))
        print(
            f"{side:7d}  {len(rows) / len(images):6.1%}  {ratio[0]:10.3f} {ratio[1]:6.3f} {ratio[2]:5.3f}"
            f"  {x[1]:14.3f}   {y[0]:11.3f} {y[1]:6.3f} {y[2]:6.3f}"
        )
    medians = np.median(np.concatenate(all_rows), axis=0)
    print(f"CROP_SCALE = {medians[0]:.3f}, shifted by {medians[1]:.3f} and {medians[2]:.3f} of a side")


if __name__ == "__main__":
    main()
