"""Reads a product label and finds words that advertising law bans; the picture stays here.

Called by the page with ``{"picture": Blob}``. Two models: one finds the lines, one reads each.
"""

import json
from typing import Any

from edge_runtime.task import Activation, ConfigError, Context, Tensor

from .boxes import Box, boxes_of
from .compliance import Rule, findings_of
from .ctc import Glyph, glyphs_of

DETECT_SIDE_PX = 640
LINE_HEIGHT_PX = 48
LONGEST_LINE_PX = 2048
LEAST_CONFIDENCE = 0.5
# What one column of the recogniser stands for, and how far a character reaches from its column.
COLUMN_PX = 8
HALF_CHARACTER_COLUMNS = 2
WHITE = b"\xff"

Part = tuple[float, float, float, float]


async def run(ctx: Context, activation: Activation) -> dict[str, list[dict[str, Any]]]:
    """Read one label.

    Returns:
        ``lines``, from the top: ``text``, its mean ``confidence``, its ``box`` (left, top, right
        and bottom as shares of the picture) and its ``findings``: each banned ``word``, its
        ``start`` and ``end`` in the text, its ``box``, ``reason`` and ``reasonZh``.

    Raises:
        ConfigError: ``argument-invalid``: no picture was given, or it cannot be decoded.
    """
    picture = picture_of(activation)
    alphabet = ctx.resource("alphabet.txt").decode().removesuffix("\n").split("\n")
    rules = json.loads(ctx.resource("banned-words.json"))

    lines = []
    for part in await parts_with_text(ctx, picture):
        glyphs, columns = await read_line(ctx, picture, part, alphabet)
        confidence = sum(glyph.probability for glyph in glyphs) / max(1, len(glyphs))
        if confidence >= LEAST_CONFIDENCE:
            lines.append(
                {
                    "text": "".join(glyph.character for glyph in glyphs),
                    "confidence": round(confidence, 4),
                    "box": list(part),
                    "findings": located_findings(glyphs, columns, part, rules),
                }
            )
    return {"lines": lines}


async def parts_with_text(ctx: Context, picture: bytes) -> list[Part]:
    """Return where lines of text are, in reading order, as shares of the picture."""
    side = DETECT_SIDE_PX
    fitted = await ctx.decode_image(picture, width_px=side, height_px=side, fit="contain")
    height, width, _ = fitted.shape
    outputs = await ctx.infer("text-detector", {"image": on_white(fitted, side, side)})
    boxes = boxes_of(bytes(outputs["text"].data), side)
    return [share_of(box, width, height) for box in boxes if box.left < width and box.top < height]


async def read_line(
    ctx: Context, picture: bytes, part: Part, alphabet: list[str]
) -> tuple[list[Glyph], float]:
    """Return the characters of one line, and how many columns its part of the picture has."""
    line = await ctx.decode_image(
        picture, width_px=LONGEST_LINE_PX, height_px=LINE_HEIGHT_PX, fit="contain", crop=part
    )
    image = on_white(line, max(line.shape[1], LINE_HEIGHT_PX), LINE_HEIGHT_PX)
    outputs = await ctx.infer("text-recogniser", {"image": image})
    best, probabilities = outputs["character"].tolist(), outputs["probability"].tolist()
    return glyphs_of(best, probabilities, alphabet), line.shape[1] / COLUMN_PX


def located_findings(
    glyphs: list[Glyph], columns: float, part: Part, rules: list[Rule]
) -> list[dict[str, Any]]:
    """Return the banned words of a line, each with its own box."""
    left, top, right, bottom = part
    found = []
    for finding in findings_of("".join(glyph.character for glyph in glyphs), rules):
        first, last = glyphs[finding["start"]].column, glyphs[finding["end"] - 1].column
        start = max(0, first + 0.5 - HALF_CHARACTER_COLUMNS) / columns
        end = min(columns, last + 0.5 + HALF_CHARACTER_COLUMNS) / columns
        ends = (left + (right - left) * start, left + (right - left) * end)
        found.append({**finding, "box": [ends[0], top, ends[1], bottom]})
    return found


def share_of(box: Box, width: int, height: int) -> Part:
    """Return a box of a picture of this size as shares of it."""
    right, bottom = min(box.right, width), min(box.bottom, height)
    return (box.left / width, box.top / height, right / width, bottom / height)


def on_white(image: Tensor, width: int, height: int) -> Tensor:
    """Put an image on a white ground of this size, at the top left."""
    rows, columns, _ = image.shape
    data = bytes(image.data)
    if columns < width:
        margin = WHITE * (3 * (width - columns))
        starts = range(0, len(data), 3 * columns)
        data = b"".join(data[start : start + 3 * columns] + margin for start in starts)
    return Tensor("uint8", (1, height, width, 3), data.ljust(3 * width * height, WHITE))


def picture_of(activation: Activation) -> bytes:
    """Return the caller's picture.

    Raises:
        ConfigError: ``argument-invalid``: there is none.
    """
    picture = activation.ext_data.get("picture")
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    raise ConfigError(
        "argument-invalid",
        f"extData.picture: expected a picture's bytes, got {type(picture).__name__}. "
        "Pass a Blob, a File or an ArrayBuffer.",
    )
