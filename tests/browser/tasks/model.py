"""A model, with real engines."""

from edge_runtime.task import Tensor


async def run(ctx, activation):
    given = activation.ext_data if activation.event is None else activation.event.props
    numbers = [
        float(each)
        for each in given.values()
        if isinstance(each, (int, float)) and abs(each) < 1e30
    ]
    outputs = await ctx.infer("double", {"x": Tensor.float32([*numbers, 0.1, -2.5])})
    tensor = outputs["y"]
    return [tensor.dtype, list(tensor.shape), tensor.tolist()]
