"""Reduces screenshots to PNGs of 256 colours. The colours of the page itself are exact."""

import io

from PIL import Image

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom."""

PAGE_COLOURS = 64
"""This number of colours is reserved for the page; the others are for the photograph, which is dithered."""


def small_png(screenshot: bytes, photograph: Rectangle) -> bytes:
    """Return a screenshot with a photograph in the given rectangle as a small PNG."""
    whole = Image.open(io.BytesIO(screenshot)).convert("RGB")
    page = whole.copy()
    page.paste((0, 0, 0), photograph)
    counted = page.getcolors(whole.width * whole.height)
    frequent = sorted(counted or [], key=lambda entry: entry[0], reverse=True)[:PAGE_COLOURS]
    colours = [part for _, colour in frequent for part in (colour if isinstance(colour, tuple) else ())]
    rest = whole.crop(photograph).quantize(256 - PAGE_COLOURS).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*colours, *rest])
    out = io.BytesIO()
    whole.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(out, "PNG", optimize=True)
    return out.getvalue()
