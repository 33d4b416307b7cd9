"""Annotated camera images: boxes and labels of faces, or blurred faces."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from services.contracts.emotions import Emotion
from services.contracts.geometry import Box
from services.contracts.prediction import FaceEmotion
from services.gateway.drawing.anonymize import pixelate
from services.runtime.images import ImageFormat, ImageTooLargeError, InvalidImageError, read_header

RGB = tuple[int, int, int]

# Okabe and Ito, "Color Universal Design" (2008), and white; without their orange, which is close to vermilion.
COLORS: dict[Emotion, RGB] = {
    Emotion.ANGRY: (213, 94, 0),
    Emotion.DISGUST: (0, 158, 115),
    Emotion.FEAR: (204, 121, 167),
    Emotion.HAPPY: (240, 228, 66),
    Emotion.SAD: (0, 114, 178),
    Emotion.SURPRISE: (86, 180, 233),
    Emotion.NEUTRAL: (255, 255, 255),
}
UNCERTAIN: RGB = (160, 160, 160)
BLACK: RGB = (0, 0, 0)
WHITE: RGB = (255, 255, 255)


def text_color_on(background: RGB) -> RGB:
    """Return black or white, the one with the higher contrast ratio (WCAG 2.2)."""
    return max((BLACK, WHITE), key=lambda color: contrast(color, background))


def contrast(one: RGB, other: RGB) -> float:
    """Return the contrast ratio of two colors, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(rgb: RGB) -> float:
    red, green, blue = (_linear(part / 255) for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


Rectangle = tuple[int, int, int, int]
"""Left, top, right and bottom, the last two just outside."""


@dataclass(frozen=True)
class Style:
    """Line width and text height in pixels."""

    line: int
    text: int

    @staticmethod
    def for_image(image: Image.Image) -> "Style":
        """Return sizes that are visible at 320 × 240 and do not cover faces at 1280 × 720."""
        side = min(image.size)
        return Style(line=max(2, round(side / 240)), text=max(12, round(side / 36)))


def label(face: FaceEmotion) -> str:
    """Return the emotion and its probability, with a question mark if it is not reliable."""
    return f"{face.emotion.value}{'' if face.reliable else '?'} {face.confidence:.0%}"


def annotate(image: Image.Image, faces: list[FaceEmotion]) -> None:
    """Draw boxes and labels. Labels are drawn last, so that no box crosses a label."""
    style, canvas = Style.for_image(image), ImageDraw.Draw(image)
    # Aileron by Sora Sagano (CC0), which is part of Pillow: the same font on every machine.
    font = ImageFont.load_default(style.text)
    for face in faces:
        _draw_box(canvas, face.box, _color_of(face), style.line, dashed=not face.reliable)
    for face in faces:
        _draw_label(canvas, face, font, style, image.size)


def _color_of(face: FaceEmotion) -> RGB:
    return COLORS[face.emotion] if face.reliable else UNCERTAIN


def _draw_box(canvas: ImageDraw.ImageDraw, box: Box, rgb: RGB, line: int, dashed: bool) -> None:
    strokes = _edges(box, line)
    if dashed:
        strokes = [dash for stroke in strokes for dash in _dashes(stroke, line * 4)]
    # A dark rim makes each color visible on any background.
    for left, top, right, bottom in strokes:
        canvas.rectangle((left - 1, top - 1, right, bottom), fill=BLACK)
    for left, top, right, bottom in strokes:
        canvas.rectangle((left, top, right - 1, bottom - 1), fill=rgb)


def _edges(box: Box, line: int) -> list[Rectangle]:
    left, top, right, bottom = box.x, box.y, box.x + max(line, box.w), box.y + max(line, box.h)
    return [
        (left, top, right, top + line),
        (left, bottom - line, right, bottom),
        (left, top, left + line, bottom),
        (right - line, top, right, bottom),
    ]


def _dashes(stroke: Rectangle, length: int) -> list[Rectangle]:
    left, top, right, bottom = stroke
    if right - left >= bottom - top:
        return [(x, top, min(x + length, right), bottom) for x in range(left, right, 2 * length)]
    return [(left, y, right, min(y + length, bottom)) for y in range(top, bottom, 2 * length)]


def _draw_label(
    canvas: ImageDraw.ImageDraw,
    face: FaceEmotion,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    style: Style,
    size: tuple[int, int],
) -> None:
    text, background = label(face), _color_of(face)
    padding = style.line
    width = round(font.getlength(text)) + 2 * padding + 2
    height = style.text + 2 * padding + 2
    left, top = label_place(face.box, (width, height), size)
    canvas.rectangle((left, top, left + width - 1, top + height - 1), fill=background, outline=BLACK)
    middle = (left + width / 2, top + height / 2)
    canvas.text(middle, text, font=font, fill=text_color_on(background), anchor="mm")


def label_place(box: Box, label_size: tuple[int, int], image_size: tuple[int, int]) -> tuple[int, int]:
    """Return a label's left and top: above the box, below it at the top of the image, or else inside the box."""
    width, height = label_size
    left = max(0, min(box.x, image_size[0] - width))
    if box.y >= height:
        return left, box.y - height
    below = box.y + box.h
    if below + height <= image_size[1]:
        return left, max(0, below)
    return left, max(0, box.y)


PIXEL_LIMIT = 12_500_000
"""Cameras have up to 12 megapixels. A thread can't be stopped, so the cost of an image is bounded before it is decoded:
this many pixels, with the accepted number of scans, take about 0.5 s and 200 MB."""

_UPRIGHT: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation → transposition that makes the image upright."""


class DamagedJpegError(ValueError):
    """The bytes are not a complete JPEG within the limits of pixels and scans."""


def decode_jpeg(jpeg: bytes) -> Image.Image:
    """Return an upright RGB image.

    Raises:
        DamagedJpegError: It can't be decoded, or exceeds the limits.
    """
    try:
        header = read_header(jpeg, PIXEL_LIMIT, (ImageFormat.JPEG,))
    except (InvalidImageError, ImageTooLargeError) as error:
        raise DamagedJpegError(f"The picture can't be drawn on: {error}") from error
    try:
        # Without metadata: Pillow reads EXIF and MPF directories when it opens a file.
        image: Image.Image = Image.open(io.BytesIO(header.data), formats=["JPEG"])
        if image.size != (header.width, header.height):
            raise DamagedJpegError("The picture is damaged")
        image.load()
    except UnidentifiedImageError as error:
        raise DamagedJpegError("The picture is damaged") from error
    except (OSError, SyntaxError, EOFError) as error:
        raise DamagedJpegError("The picture is damaged or cut off") from error
    if header.orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[header.orientation])
    return image if image.mode == "RGB" else image.convert("RGB")


def encode_jpeg(image: Image.Image, quality: int) -> bytes:
    """Return an image as JPEG without metadata."""
    image.info.clear()
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


__all__ = ["DamagedJpegError", "draw"]


def draw(jpeg: bytes, overlay: Sequence[FaceEmotion] | None, blur: Sequence[Box], quality: int = 80) -> bytes:
    """Draw faces' boxes and emotions, and blur faces. CPU-bound: some milliseconds for 1280 × 720.

    Args:
        jpeg: The image. Its EXIF orientation is applied; its metadata is removed.
        overlay: Faces with a box and a label; None or empty for none.
        blur: Boxes in the upright image that are blurred with a margin; they may reach over its border.
        quality: Quality of the new JPEG, 1 to 95.

    Returns:
        A JPEG; the given bytes if there is nothing to draw and nothing to blur.

    Raises:
        DamagedJpegError: The image can't be decoded.
    """
    if not overlay and not blur:
        return jpeg
    image = decode_jpeg(jpeg)
    for box in blur:
        pixelate(image, box)
    if overlay:
        annotate(image, list(overlay))
    return encode_jpeg(image, quality)
