"""Blurring of faces: pixelation that cannot be reversed."""

from PIL import Image

from services.contracts.geometry import Box

MARGIN = 0.3
"""Margin around a face's box, in its sides: a Haar box ends at brows and chin, and faces move."""

CELLS = 4
"""Cells across the blurred area; each is one average. Networks recognise people in mosaics of 16 cells across a face
(McPherson, Shokri and Shmatikov, "Defeating Image Obfuscation with Deep Learning", 2016); here a face has under three.
"""


def pixelate(image: Image.Image, box: Box) -> None:
    """Replace a face and its margin by a few averages, interpolated.

    The result depends on these averages only, so the face cannot be restored. An area that reaches over the image's
    border is cut there; the size of its cells does not change.
    """
    reach_x, reach_y = round(box.w * MARGIN), round(box.h * MARGIN)
    left, top = max(0, box.x - reach_x), max(0, box.y - reach_y)
    right = min(image.width, box.x + box.w + reach_x)
    bottom = min(image.height, box.y + box.h + reach_y)
    if left >= right or top >= bottom:
        return
    width, height = right - left, bottom - top
    cells = (_cells(width, box.w + 2 * reach_x), _cells(height, box.h + 2 * reach_y))
    averages = image.crop((left, top, right, bottom)).resize(cells, Image.Resampling.BOX)
    image.paste(averages.resize((width, height), Image.Resampling.BILINEAR), (left, top))


def _cells(visible_px: int, whole_px: int) -> int:
    return max(1, visible_px * CELLS // whole_px)
