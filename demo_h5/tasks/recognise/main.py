"""Says what a photo shows and which products are like it; the photo stays on the device.

Called by the page with ``{"photo": Blob}``.
"""

import heapq
import json

from edge_runtime.task import Activation, ConfigError, Context, Tensor

from .nearest import nearest_products

SIDE_PX = 224
LABELS = 5


async def run(ctx: Context, activation: Activation) -> dict[str, list]:
    """Classify one photo and find products near it.

    Returns:
        ``labels``: the likeliest classes, best first, as ``{"label", "probability"}``;
        ``nearest``: products that look like it, nearest first, as ``{"item", "score", "look"}``;
        ``embedding``: the photo's 1280 numbers, if ``{"embed": True}`` asked for them.

    Raises:
        ConfigError: ``argument-invalid``: no photo was given, or it cannot be decoded.
    """
    photo = activation.ext_data.get("photo")
    if not isinstance(photo, bytes | bytearray | memoryview):
        raise ConfigError(
            "argument-invalid",
            f"extData.photo: expected a picture's bytes, got {type(photo).__name__}. "
            "Pass a Blob, a File or an ArrayBuffer.",
        )

    image = await ctx.decode_image(bytes(photo), width_px=SIDE_PX, height_px=SIDE_PX)
    # Scaling and normalising are part of the model: it takes the pixels as they are.
    batch = Tensor("uint8", (1, SIDE_PX, SIDE_PX, 3), image.data)
    outputs = await ctx.infer("classifier", {"image": batch})

    probabilities = outputs["probs"].tolist()
    names = json.loads(ctx.resource("labels.json"))
    likeliest = heapq.nlargest(LABELS, range(len(names)), key=probabilities.__getitem__)
    embedding = outputs["embedding"].tolist()
    found = {
        "labels": [
            {"label": names[index], "probability": round(probabilities[index], 4)}
            for index in likeliest
        ],
        "nearest": nearest_products(ctx, embedding),
    }
    return found | ({"embedding": embedding} if activation.ext_data.get("embed") is True else {})
