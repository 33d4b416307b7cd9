"""Makes pictures of pages small: PNGs of 256 colours, of which the page's own stay as they are."""

import io

from PIL import Image

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom."""

OF_THE_PAGE = 64
"""So many colours are the page's most frequent ones; the rest are a photograph's, and it is dithered."""


def small_png(screenshot: bytes, photograph: Rectangle) -> bytes:
    """Return a screenshot that has a photograph at a place, as a small PNG."""
    whole = Image.open(io.BytesIO(screenshot)).convert("RGB")
    page = whole.copy()
    page.paste((0, 0, 0), photograph)
    counted = page.getcolors(whole.width * whole.height)
    frequent = sorted(counted or [], key=lambda entry: entry[0], reverse=True)[:OF_THE_PAGE]
    colours = [part for _, colour in frequent for part in (colour if isinstance(colour, tuple) else ())]
    rest = whole.crop(photograph).quantize(256 - OF_THE_PAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*colours, *rest])
    out = io.BytesIO()
    whole.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(out, "PNG", optimize=True)
    return out.getvalue()
