"""Fails in each way that is documented."""


async def run(ctx, activation):
    given = activation.ext_data if activation.event is None else activation.event.props
    return await WAYS[int(given["n"]) % len(WAYS)](ctx)


async def raises(ctx):
    return {}["absent"]


async def returns_a_set(ctx):
    return {"a": {1, 2}}


async def returns_too_large_an_integer(ctx):
    return 2**53


async def returns_nan(ctx):
    return float("nan")


async def runs_a_model_it_does_not_list(ctx):
    return await ctx.infer("other", {})


async def changes_events(ctx):
    return await ctx.query("delete from events")


async def calls_nobody(ctx):
    return await ctx.call("Nobody")


async def logs_loudly(ctx):
    ctx.log("x", "loud")


async def reads_no_file(ctx):
    return ctx.resource("absent.txt")


async def goes_too_deep(ctx):
    def deeper():
        return deeper()

    deeper()


async def leads_out(ctx):
    import ctypes

    return ctypes.__name__


async def is_fine(ctx):
    return "fine"


WAYS = [
    raises,
    returns_a_set,
    returns_too_large_an_integer,
    returns_nan,
    runs_a_model_it_does_not_list,
    changes_events,
    calls_nobody,
    logs_loudly,
    reads_no_file,
    goes_too_deep,
    leads_out,
    is_fine,
]
