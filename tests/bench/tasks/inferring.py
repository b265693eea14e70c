"""Runs one model as often as asked, and times each run as a task sees it."""

from time import perf_counter
from typing import Any

from edge_runtime.task import Activation, Context, Tensor


async def run(ctx: Context, activation: Activation) -> dict[str, Any]:
    """Return the time of each ``ctx.infer``, milliseconds, and its first output.

    ``extData``: ``model``, ``count``, its ``feeds``; with ``release`` the model is freed after
    each run.
    """
    asked = activation.ext_data
    feeds = {
        feed["name"]: Tensor(feed["dtype"], tuple(feed["shape"]), feed["data"])
        for feed in asked["feeds"]
    }
    times_ms = []
    for _ in range(asked["count"]):
        began_s = perf_counter()
        outputs = await ctx.infer(asked["model"], feeds)
        times_ms.append((perf_counter() - began_s) * 1000)
        if asked.get("release"):
            await ctx.release(asked["model"])
    first = next(iter(outputs.values()))
    return {"timesMs": times_ms, "output": first.data, "dtype": first.dtype}
