"""Picture decoding with Pillow."""

import asyncio
import io
from typing import Final

from PIL import Image, ImageOps

from ...errors import ConfigError
from ...tensor import Tensor
from ...types import WHOLE, Crop, Fit

_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_Box = tuple[float, float, float, float]
_REFUSALS: Final = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


class PillowImages:
    """Implements ``Images``."""

    async def decode(
        self, data: bytes, *, width_px: int, height_px: int, fit: Fit = "cover", crop: Crop = WHOLE
    ) -> Tensor:
        """Decode in a thread, turn upright as EXIF says, crop and resize."""
        return await asyncio.to_thread(_decode, data, (width_px, height_px), fit, crop)


def _decode(data: bytes, target: tuple[int, int], fit: Fit, crop: Crop) -> Tensor:
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            width, height = upright.size
            part = (crop[0] * width, crop[1] * height, crop[2] * width, crop[3] * height)
            size = _largest_inside(target, part) if fit == "contain" else target
            box = part if fit == "contain" else _centre_of(part, target)
            fitted = upright.resize(size, Image.Resampling.BILINEAR, box)
    except _REFUSALS as error:
        raise ConfigError(
            "argument-invalid",
            f"picture: expected PNG, JPEG or WebP, got {len(data)} bytes that do not decode: "
            f"{error}. Pass the file's bytes unchanged.",
        ) from error
    return Tensor("uint8", (size[1], size[0], 3), fitted.tobytes())


def _largest_inside(target: tuple[int, int], part: _Box) -> tuple[int, int]:
    width, height = part[2] - part[0], part[3] - part[1]
    scale = min(target[0] / width, target[1] / height)
    return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))


def _centre_of(part: _Box, target: tuple[int, int]) -> _Box:
    left, top, right, bottom = part
    scale = min((right - left) / target[0], (bottom - top) / target[1])
    margin_x = (right - left - target[0] * scale) / 2
    margin_y = (bottom - top - target[1] * scale) / 2
    return left + margin_x, top + margin_y, right - margin_x, bottom - margin_y
