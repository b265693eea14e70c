"""The store beside a dictionary, over walks that hypothesis chooses and shrinks."""

import asyncio
import random

from edge_runtime.testing.fake_host import create_fake_host
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.store_suite import OPERATIONS, StoreWalk, step
from tests.effort import examples

from ..services_clock import moving

walks = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 2**16)), max_size=40)


@settings(max_examples=examples(150), deadline=None)
@given(walks)
def test_whatever_happens_the_store_answers_as_a_dictionary_does(
    walk: list[tuple[str, int]],
) -> None:
    async def run() -> None:
        stored = StoreWalk(host)
        await stored.begin()
        for name, seed in walk:
            await step(stored, name, random.Random(seed))
        stored.look()
        await stored.crash()
        stored.look()
        await stored.end()

    host = create_fake_host()
    asyncio.run(moving(host, run()))
