"""Draws labels as a page would, with the font the demo ships."""

import io
from collections.abc import Sequence

from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

from demo_h5.assets import FONT, font_subset
from demo_h5.build import ROOT

MARGIN_PX = 40


def label_png(
    lines: Sequence[tuple[str, int]],
    *,
    size_px: tuple[int, int] = (640, 640),
    margin_px: int = MARGIN_PX,
) -> bytes:
    """Return a PNG with each line's text in its size, pixels, from the top."""
    source = ROOT / "node_modules" / FONT / "files"
    woff2 = (source / "noto-sans-sc-chinese-simplified-400-normal.woff2").read_bytes()
    font_file = _plain(font_subset(woff2, "".join(text for text, _ in lines)))
    picture = Image.new("RGB", size_px, "#fbf6e9")
    draw = ImageDraw.Draw(picture)
    top = margin_px
    for text, height_px in lines:
        font = ImageFont.truetype(io.BytesIO(font_file), height_px)
        draw.text((margin_px, top), text, "#202020", font)
        top += int(height_px * 1.7)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _plain(woff2: bytes) -> bytes:
    """Return a woff2 font as TrueType, which Pillow reads."""
    font = TTFont(io.BytesIO(woff2))
    font.flavor = None
    stream = io.BytesIO()
    font.save(stream)
    return stream.getvalue()
