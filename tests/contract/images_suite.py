"""What every Images must do.

``pictures`` are lossless files by name: ``quarters`` is 4 x 4 pixels of four colours, one per
corner; ``wide`` is 8 x 4 pixels, red in the outer quarters and blue between.
"""

from collections.abc import Mapping

from edge_runtime.errors import ConfigError
from edge_runtime.host.ports import Host

Pictures = Mapping[str, bytes]
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


async def pixels(host: Host, data: bytes, width_px: int, height_px: int) -> list[tuple[int, ...]]:
    """Decode and return the pixels row by row."""
    tensor = await host.images.decode(data, width_px=width_px, height_px=height_px)
    assert tensor.dtype == "uint8" and tensor.shape == (height_px, width_px, 3), tensor.shape
    flat = bytes(tensor.data)
    return [tuple(flat[start : start + 3]) for start in range(0, len(flat), 3)]


async def check_pixels_are_rgb_row_by_row(host: Host, pictures: Pictures) -> None:
    rows = await pixels(host, pictures["quarters"], 4, 4)
    top, bottom = [RED, RED, GREEN, GREEN], [BLUE, BLUE, WHITE, WHITE]
    assert rows == [*top, *top, *bottom, *bottom]


async def check_the_centre_is_cropped_to_the_aspect_ratio(host: Host, pictures: Pictures) -> None:
    assert set(await pixels(host, pictures["wide"], 4, 4)) == {BLUE}


async def check_the_whole_is_kept_where_the_ratio_fits(host: Host, pictures: Pictures) -> None:
    row = (await pixels(host, pictures["wide"], 8, 4))[:8]
    assert row == [RED, RED, BLUE, BLUE, BLUE, BLUE, RED, RED]


async def check_pictures_are_enlarged(host: Host, pictures: Pictures) -> None:
    enlarged = await pixels(host, pictures["quarters"], 32, 32)
    assert (enlarged[0], enlarged[-1]) == (RED, WHITE)


async def check_what_is_no_picture_is_refused(host: Host, pictures: Pictures) -> None:
    for data in (b"", b"not a picture", pictures["quarters"][:20]):
        try:
            await host.images.decode(data, width_px=4, height_px=4)
        except ConfigError as error:
            assert error.code == "argument-invalid", error.code
        else:
            raise AssertionError(f"{data!r} was decoded")
