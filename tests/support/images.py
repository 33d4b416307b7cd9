"""Images for tests, composed of the demo feed's public-domain portraits."""

import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

PORTRAITS = Path(__file__).parents[2] / "services" / "capture" / "sources" / "portraits"
SMILING = PORTRAITS / "eileen_collins.jpg"
SERIOUS = PORTRAITS / "grace_hopper.jpg"

Pixels = NDArray[np.uint8]


def portrait(path: Path = SMILING, side: int = 360) -> Pixels:
    """Return a portrait as uint8 BGR, its longer side scaled to ``side``."""
    image = cv2.imread(str(path))
    assert image is not None, path
    scale = side / max(image.shape[:2])
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def scene(*portraits: tuple[Pixels, int, int], width: int = 1280, height: int = 720) -> Pixels:
    """Return a gray canvas with portraits at (x, y)."""
    canvas = np.full((height, width, 3), 96, np.uint8)
    for picture, x, y in portraits:
        canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return canvas


def one_face(path: Path = SMILING) -> Pixels:
    return scene((portrait(path), 400, 150))


def two_faces() -> Pixels:
    large = portrait(side=620)
    return scene((large, 10, 50), (large, 650, 50))


def eight_faces() -> Pixels:
    small = portrait(side=300)
    return scene(*((small, 10 + 315 * column, 20 + 350 * row) for column in range(4) for row in range(2)))


def no_face() -> Pixels:
    return scene()


def write_film(path: Path, frames: int, fps: float = 25.0) -> Path:
    """Write a video of 640×360 in which one portrait moves, and the other takes its place half-way; return its path."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (640, 360))
    assert writer.isOpened()
    portraits = [portrait(SMILING, 240), portrait(SERIOUS, 240)]
    for index in range(frames):
        writer.write(scene((portraits[2 * index // frames], 40 + 4 * (index % 80), 60), width=640, height=360))
    writer.release()
    return path


def encode(image: Pixels, extension: str = ".jpg") -> bytes:
    ok, data = cv2.imencode(extension, image)
    assert ok
    return data.tobytes()


def jpeg_with_orientation(image: Pixels, orientation: int) -> bytes:
    """Return a JPEG with an EXIF orientation; with 6, the top of the image is on the right."""
    picture = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92, exif=exif)
    return out.getvalue()


def animated_webp(first: Pixels, second: Pixels) -> bytes:
    frames = [Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)) for image in (first, second)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=100, quality=80)
    return out.getvalue()


def rgba_png(image: Pixels) -> bytes:
    return encode(np.dstack([image, np.full(image.shape[:2], 255, np.uint8)]), ".png")


def png_16_bit(image: Pixels) -> bytes:
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint16) * 257
    ok, data = cv2.imencode(".png", gray)
    assert ok
    return data.tobytes()


def huge_png() -> bytes:
    """Return a PNG of 20,000 × 20,000 pixels and about 50 kilobytes."""
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG", optimize=True)
    return out.getvalue()


def turned_left(image: Pixels) -> Pixels:
    """Return the image rotated to its left side, as an upright camera stores it with orientation 6."""
    return np.ascontiguousarray(np.rot90(image))


def decode(data: bytes) -> Pixels:
    """Return an image as uint8 BGR."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)
