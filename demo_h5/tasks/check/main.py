"""What the device check times: nothing at all, or one run of a model.

Called with ``{}`` or ``{"model": name}``, where the name is of a classifier on one backend.
"""

from edge_runtime.task import Activation, Context, Tensor

SIDE_PX = 224
GREY = bytes([128]) * (SIDE_PX * SIDE_PX * 3)


async def run(ctx: Context, activation: Activation) -> int | None:
    """Return the likeliest class of a grey picture; without a model None."""
    model = activation.ext_data.get("model")
    if model is None:
        return None
    outputs = await ctx.infer(model, {"image": Tensor("uint8", (1, SIDE_PX, SIDE_PX, 3), GREY)})
    scores = outputs["probs"].tolist()
    return max(range(len(scores)), key=scores.__getitem__)
