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


async def check_contain_keeps_the_whole_and_its_aspect_ratio(
    host: Host, pictures: Pictures
) -> None:
    wide = await host.images.decode(pictures["wide"], width_px=8, height_px=8, fit="contain")

    row = bytes([*RED, *RED, *BLUE, *BLUE, *BLUE, *BLUE, *RED, *RED])
    assert (wide.shape, bytes(wide.data)) == ((4, 8, 3), row * 4)


async def check_contain_enlarges_and_reduces(host: Host, pictures: Pictures) -> None:
    for width_px, height_px, shape in (
        (64, 48, (32, 64, 3)),
        (3, 48, (2, 3, 3)),
        (1, 1, (1, 1, 3)),
    ):
        fitted = await host.images.decode(
            pictures["wide"], width_px=width_px, height_px=height_px, fit="contain"
        )
        assert fitted.shape == shape, (width_px, height_px, fitted.shape)


async def check_a_part_is_cropped_before_it_is_fitted(host: Host, pictures: Pictures) -> None:
    left = await host.images.decode(
        pictures["wide"], width_px=2, height_px=4, fit="contain", crop=(0, 0, 0.25, 1)
    )
    corner = await host.images.decode(
        pictures["quarters"], width_px=2, height_px=2, crop=(0.5, 0, 1, 0.5)
    )
    assert (left.shape, bytes(left.data)) == ((4, 2, 3), bytes(RED) * 8)
    assert (corner.shape, bytes(corner.data)) == ((2, 2, 3), bytes(GREEN) * 4)


async def check_cover_takes_the_centre_of_the_part(host: Host, pictures: Pictures) -> None:
    centre = await host.images.decode(
        pictures["wide"], width_px=2, height_px=2, crop=(0, 0.25, 1, 0.75)
    )
    assert bytes(centre.data) == bytes(BLUE) * 4
