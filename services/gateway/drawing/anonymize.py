"""Faces made unrecognisable."""

from PIL import Image

from services.contracts.geometry import Box

MARGIN = 0.3
"""How far beyond a face's box is hidden, in its sides: a Haar box ends at brows and chin, and faces move."""

CELLS = 4
"""What is left of the hidden width or height: so many averages. Networks know people from mosaics of 16 cells across a
face (McPherson, Shokri and Shmatikov, "Defeating Image Obfuscation with Deep Learning", 2016); here it has under three.
"""


def hide(image: Image.Image, box: Box) -> None:
    """Replace a face and its surroundings by a few averages that blend into each other.

    Nothing else of the pixels goes into what replaces them, so nothing brings them back. An area that reaches over the
    border is cut there; its cells stay as large as they would have been.
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
