"""Keys and events: what is stored and asked for in SQL."""


async def run(ctx, activation):
    kind = activation.trigger.value
    count = (await ctx.get(f"{kind}.count") or 0) + 1
    await ctx.put(f"{kind}.count", count)
    given = dict(activation.ext_data) if activation.event is None else dict(activation.event.props)
    plain = {
        key: value for key, value in given.items() if not isinstance(value, (bytes, memoryview))
    }
    before = await ctx.get(f"{kind}.{count % 3}")
    await ctx.put(f"{kind}.{count % 3}", plain, encrypted=count % 2 == 0)
    await ctx.delete(f"{kind}.{(count + 1) % 3}")
    rows = await ctx.query(
        "select page_id, count(*) as n, sum(pv) as views, avg(props->>'price') as price, "
        "group_concat(props->>'name', '|') as names, max(props->>'price') as most, "
        "min(click_id) as click "
        "from events where page_id <> :none group by page_id order by page_id",
        {"none": "Nowhere"},
    )
    texts = await ctx.query(
        "select :text as text, length(:text) as n, upper(:text) as upper, :n / 4 as half, "
        "hex(:text) as hex, printf('%.3f|%05d', :n, count(*)) as printed from events",
        {"text": str(sorted(plain)), "n": count / 2},
    )
    now = await ctx.get(f"{kind}.{count % 3}")
    return {
        "count": count,
        "before": repr(before),
        "now": repr(now),
        "rows": rows,
        "texts": texts,
        "page": None
        if activation.event is None
        else [activation.event.page_id, activation.event.click_id, activation.event.pv],
    }
