"""Letters of pages that were left: opened by whoever has the key, and nothing else is."""

import asyncio
import json
from typing import Any

import pytest
from edge_runtime.errors import HostError
from edge_runtime.services.store_outbox import PAD_BYTES, Outbox
from edge_runtime.services.store_vault import ROOT
from edge_runtime.testing.fake_crypto import FakeCrypto
from edge_runtime.testing.fake_disk import FakeDisk

from tests.letters import legible

ROWS = [f'["e{n}",{n},"mta","Söfa",null,1,{{"ms":{n}}}]' for n in range(3)]


def written(paper: dict[str, Any], rows: list[str]) -> str:
    """Return the letter that a page writes."""
    bare = "\n".join(rows).encode()[-len(paper["pad"]) :]
    hidden = (a ^ b for a, b in zip(bare, paper["pad"], strict=False))
    return f"{paper['seal']} {','.join(map(str, hidden))}\n"


async def outbox() -> tuple[Outbox, FakeCrypto]:
    crypto = FakeCrypto(FakeDisk())
    await crypto.open_root(ROOT, create=True)
    return Outbox(crypto), crypto


async def opened(box: Outbox, letters: str, since_ms: float = 0) -> list[Any]:
    batches: list[Any] = []

    def take(batch: str, is_old: bool) -> None:
        batches.append(json.loads(batch) if since_ms == 0 else (is_old, json.loads(batch)))

    await box.open(letters, since_ms, take)
    return batches


def test_letters_open_in_the_order_in_which_they_were_written() -> None:
    async def run() -> None:
        box, _ = await outbox()
        first = written(await box.paper(), ROWS[:2])
        second = written(await box.paper(), ROWS[2:])

        batches = await opened(box, first + second)

        assert batches == [[json.loads(row) for row in ROWS[:2]], [json.loads(ROWS[2])]]

    asyncio.run(run())


def test_old_events_are_told_apart() -> None:
    async def run() -> None:
        box, _ = await outbox()

        batches = await opened(box, written(await box.paper(), ROWS), since_ms=2)

        first, second, third = map(json.loads, ROWS)
        assert batches == [(True, [first, second]), (False, [third])]

    asyncio.run(run())


def test_each_paper_is_another_and_a_letter_shows_nothing() -> None:
    async def run() -> None:
        box, _ = await outbox()
        papers = [await box.paper() for _ in range(3)]
        assert len({bytes(paper["pad"]) for paper in papers}) == 3

        shown = legible(written(papers[0], ROWS))

        assert '"mta' not in shown and bytes(papers[0]["pad"]).decode("latin-1") not in shown

    asyncio.run(run())


def test_what_no_longer_fits_under_the_pad_is_left_out_from_the_oldest_on() -> None:
    async def run() -> None:
        box, _ = await outbox()
        long = f'["long",1,"mta","P",null,1,{{"text":"{"ö" * PAD_BYTES}"}}]'

        batches = await opened(box, written(await box.paper(), [long, *ROWS]))

        assert batches == [[json.loads(row) for row in ROWS]]

    asyncio.run(run())


def test_behind_an_erasure_no_letter_of_before_opens() -> None:
    async def run() -> None:
        box, crypto = await outbox()
        letter = written(await box.paper(), ROWS)
        await crypto.erase()
        with pytest.raises(HostError):
            await box.paper()
        await crypto.open_root(ROOT, create=True)

        assert await opened(box, letter) == []
        assert await opened(box, letter + written(await box.paper(), ROWS[:1])) == [
            [json.loads(ROWS[0])]
        ]

    asyncio.run(run())


@pytest.mark.parametrize(
    "line",
    ["", " ", "x", "x 1,2", "é 1", "AAAA 1", "[] {}", "SEAL", "SEAL ", "SEAL 1,,2", "SEAL 300"],
)
def test_what_is_no_letter_is_left_out(line: str) -> None:
    async def run() -> None:
        box, _ = await outbox()
        paper = await box.paper()

        batches = await opened(box, f"{line.replace('SEAL', str(paper['seal']))}\n")

        assert batches == []

    asyncio.run(run())
