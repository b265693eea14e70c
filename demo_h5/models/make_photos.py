"""Make the sample photos from pinned packages: ``python -m demo_h5.models.make_photos``.

The JPEG files and ``photos.json`` are committed; this is how they came about. Pillow's JPEG encoder
differs a little between versions, so a new run may give slightly other bytes.
"""

import io
import json
from typing import NamedTuple

from PIL import Image

from demo_h5.models.packages import MODELS_DIR, pinned, read_member, say

PHOTOS_DIR = MODELS_DIR / "photos"
MAX_SIDE_PIXELS = 640
MAX_BYTES = 80_000
QUALITIES = (88, 84, 80, 75, 70)
CC0 = "CC0-1.0"


class Photo(NamedTuple):
    """A picture of a package, what a person calls it, and which classes are right for it."""

    package: str
    member: str
    file: str
    title: str
    title_zh: str
    class_index: int
    class_name: str
    also_right: tuple[int, ...]
    credit: str
    licence: str


PHOTOS = (
    Photo(
        "scikit-image", "skimage/data/coffee.png", "coffee.jpg", "A cup of coffee", "一杯咖啡",
        967, "espresso", (504, 968), "Rachel Michetti", CC0,
    ),
    Photo(
        "scikit-image", "skimage/data/chelsea.png", "cat.jpg", "Chelsea the cat", "小猫切尔西",
        285, "Egyptian cat", (281, 282), "Stéfan van der Walt", CC0,
    ),
    Photo(
        "scikit-image", "skimage/data/rocket.jpg", "rocket.jpg", "A rocket launch", "火箭发射",
        657, "missile", (744,), "SpaceX", "Public domain",
    ),
    Photo(
        "scikit-learn", "sklearn/datasets/images/china.jpg", "palace.jpg", "A Chinese palace",
        "中国宫殿", 698, "palace", (), "danielbuechele (Flickr 6061409035)", "CC-BY-2.0",
    ),
    Photo(
        "scikit-learn", "sklearn/datasets/images/flower.jpg", "flower.jpg", "A flower", "一朵花",
        985, "daisy", (), "vultilion (Flickr 6056698931)", "CC-BY-2.0",
    ),
)  # fmt: skip


def jpeg_bytes(photo: Photo) -> bytes:
    """Return the photo as a JPEG of at most 640 pixels a side and 80 kB.

    Raises:
        ValueError: Even the lowest quality is too large.
    """
    data = read_member(pinned(photo.package), photo.member)
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.thumbnail((MAX_SIDE_PIXELS, MAX_SIDE_PIXELS), Image.Resampling.LANCZOS)
    for quality in QUALITIES:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality, optimize=True, progressive=True)
        if stream.tell() <= MAX_BYTES:
            return stream.getvalue()
    raise ValueError(f"{photo.file}: expected at most {MAX_BYTES} bytes, got {stream.tell()}")


def description(photo: Photo) -> dict[str, object]:
    """Return the photo's row of ``photos.json``."""
    package = pinned(photo.package)
    return {
        "file": photo.file,
        "title": photo.title,
        "titleZh": photo.title_zh,
        "expected": {
            "index": photo.class_index,
            "name": photo.class_name,
            "alsoRight": list(photo.also_right),
        },
        "credit": photo.credit,
        "licence": photo.licence,
        "source": f"{package.name}=={package.version} {photo.member}",
        "changes": "scaled and compressed as JPEG",
    }


def main() -> None:
    """Write every photo and ``photos.json``."""
    PHOTOS_DIR.mkdir(exist_ok=True)
    for photo in PHOTOS:
        data = jpeg_bytes(photo)
        (PHOTOS_DIR / photo.file).write_bytes(data)
        say(f"{photo.file}: {len(data)} bytes")
    rows = ",\n  ".join(json.dumps(description(photo), ensure_ascii=False) for photo in PHOTOS)
    (PHOTOS_DIR / "photos.json").write_text(f"[\n  {rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
