"""Boxes around faces, and what stands beside them."""

from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from services.contracts.geometry import Box
from services.contracts.prediction import FaceEmotion
from services.gateway.drawing.palette import BLACK, COLOURS, RGB, UNCERTAIN, ink_on

Rectangle = tuple[int, int, int, int]
"""Left, top, right and bottom, the last two just outside."""


@dataclass(frozen=True)
class Style:
    """Sizes that suit a picture, in pixels."""

    line: int
    text: int

    @staticmethod
    def of(image: Image.Image) -> "Style":
        """Return lines and letters that are seen at 320 × 240 and don't hide faces at 1280 × 720."""
        side = min(image.size)
        return Style(line=max(2, round(side / 240)), text=max(12, round(side / 36)))


def label(face: FaceEmotion) -> str:
    """Return the emotion and its probability; a question mark where it isn't reliable."""
    return f"{face.emotion.value}{'' if face.reliable else '?'} {face.confidence:.0%}"


def mark(image: Image.Image, faces: list[FaceEmotion]) -> None:
    """Draw boxes and then labels, so that no box crosses another face's label."""
    style, canvas = Style.of(image), ImageDraw.Draw(image)
    # Aileron by Sora Sagano (CC0), which comes with Pillow: the same letters on every machine.
    font = ImageFont.load_default(style.text)
    for face in faces:
        _draw_box(canvas, face.box, _colour_of(face), style.line, dashed=not face.reliable)
    for face in faces:
        _draw_label(canvas, face, font, style, image.size)


def _colour_of(face: FaceEmotion) -> RGB:
    return COLOURS[face.emotion] if face.reliable else UNCERTAIN


def _draw_box(canvas: ImageDraw.ImageDraw, box: Box, rgb: RGB, line: int, dashed: bool) -> None:
    strokes = _edges(box, line)
    if dashed:
        strokes = [dash for stroke in strokes for dash in _dashes(stroke, line * 4)]
    # A dark rim makes any colour seen on any picture.
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
    text, background = label(face), _colour_of(face)
    padding = style.line
    width = round(font.getlength(text)) + 2 * padding + 2
    height = style.text + 2 * padding + 2
    left, top = label_place(face.box, (width, height), size)
    canvas.rectangle((left, top, left + width - 1, top + height - 1), fill=background, outline=BLACK)
    middle = (left + width / 2, top + height / 2)
    canvas.text(middle, text, font=font, fill=ink_on(background), anchor="mm")


def label_place(box: Box, label_size: tuple[int, int], image_size: tuple[int, int]) -> tuple[int, int]:
    """Return a label's left and top: above the box, below it where the picture ends, else inside at its top."""
    width, height = label_size
    left = max(0, min(box.x, image_size[0] - width))
    if box.y >= height:
        return left, box.y - height
    below = box.y + box.h
    if below + height <= image_size[1]:
        return left, max(0, below)
    return left, max(0, box.y)
