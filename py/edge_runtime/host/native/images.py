"""Picture decoding with Pillow."""

import asyncio
import io
from typing import Final

from PIL import Image, ImageOps

from ...errors import ConfigError
from ...tensor import Tensor

_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_REFUSALS: Final = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


class PillowImages:
    """Implements ``Images``."""

    async def decode(self, data: bytes, *, width_px: int, height_px: int) -> Tensor:
        """Decode in a thread, turn upright as EXIF says, crop the centre and resize."""
        return await asyncio.to_thread(_decode, data, width_px, height_px)


def _decode(data: bytes, width_px: int, height_px: int) -> Tensor:
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            size = (width_px, height_px)
            fitted = ImageOps.fit(upright, size, Image.Resampling.BILINEAR)
    except _REFUSALS as error:
        raise ConfigError(
            "argument-invalid",
            f"picture: expected PNG, JPEG or WebP, got {len(data)} bytes that do not decode: "
            f"{error}. Pass the file's bytes unchanged.",
        ) from error
    return Tensor("uint8", (height_px, width_px, 3), fitted.tobytes())
