"""Whoever changes the databases behind the runtime's back is found out; nothing foreign gets in.

One page starts the runtime again and again, on databases that were changed in one way each.
"""

import random
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from .databases import Change
from .profile import Place
from .tampering import Scene, assert_told, forged, of_schema_1, scene_in, turned

SEEDS = range(8)
HEAD, HEAD_COPY, TAIL = (("meta", row) for row in ("head", "head-copy", "tail"))
ANCHOR = ("notes", "anchor")
SEALED_PIECE, PLAIN_PIECE = (("checkpoint", f"b-{route}-00000") for route in ("sealed", "plain"))
IN_CHECKPOINT = {0, 1, 2}


@pytest.fixture(scope="module")
def scene(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene_in(browser, tmp_path_factory.mktemp("tamper")) as found:
        yield found


RECORDS: dict[str, Callable[[Scene, random.Random], Place]] = {
    "sealed segment": lambda scene, chance: scene.place("sealed", chance.randrange(8)),
    "plain segment": lambda scene, chance: scene.place("plain", chance.randrange(8)),
    "sealed piece": lambda *_: SEALED_PIECE,
    "plain piece": lambda *_: PLAIN_PIECE,
    "head": lambda *_: HEAD,
    "head-copy": lambda *_: HEAD_COPY,
    "tail": lambda *_: TAIL,
    "anchor": lambda *_: ANCHOR,
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", RECORDS)
def test_a_bit_that_turned_is_told_and_costs_its_record_alone(
    scene: Scene, kind: str, seed: int
) -> None:
    chance = random.Random(f"{kind} {seed}")
    place = RECORDS[kind](scene, chance)

    found = scene.start_on([(*place, turned(scene.data(place), chance))])

    assert_told(found, place)
    if place[0] == "checkpoint":
        lost = IN_CHECKPOINT if place == SEALED_PIECE else set()
        assert scene.mine.events - found.events == lost
    else:
        scene.assert_the_rest_is_kept(found, place)
    assert scene.start().codes == []


def exchanged(scene: Scene, one: Place, other: Place) -> list[Change]:
    return [(*one, scene.data(other)), (*other, scene.data(one))]


Pairs = dict[str, Callable[[Scene], tuple[Place, Place]]]
SWAPS: Pairs = {
    "sealed segments": lambda scene: (scene.place("sealed", 1), scene.place("sealed", 4)),
    "plain segments": lambda scene: (scene.place("plain", 0), scene.place("plain", 1)),
    "segments of two stores": lambda scene: (scene.place("sealed", 2), scene.place("plain", 2)),
    "a segment and a piece": lambda scene: (scene.place("sealed", 3), SEALED_PIECE),
    "pieces": lambda scene: (SEALED_PIECE, PLAIN_PIECE),
    "a head and the tail": lambda scene: (HEAD_COPY, TAIL),
}


@pytest.mark.parametrize("what", SWAPS)
def test_records_that_were_exchanged_are_told(scene: Scene, what: str) -> None:
    places = SWAPS[what](scene)

    found = scene.start_on(exchanged(scene, *places))

    assert_told(found, *places)
    if SEALED_PIECE not in places:
        scene.assert_the_rest_is_kept(found, *places)
    assert scene.start().codes == []


Damages = dict[str, Callable[[Scene], list[Change]]]


def cut(scene: Scene, place: Place) -> Change:
    data = scene.data(place)
    return *place, data[: len(data) // 2]


DAMAGES: Damages = {
    "the last sealed segments": lambda scene: [
        (*scene.place("sealed", -1), None),
        (*scene.place("sealed", -2), None),
    ],
    "a segment in the middle": lambda scene: [(*scene.place("plain", 3), None)],
    "all plain segments": lambda scene: [
        (*scene.place("plain", index), None) for index in range(8)
    ],
    "half of a sealed segment": lambda scene: [cut(scene, scene.place("sealed", 5))],
    "half of a plain segment": lambda scene: [cut(scene, scene.place("plain", 5))],
    "all of a segment's bytes": lambda scene: [(*scene.place("sealed", 5), b"")],
    "half of a piece": lambda scene: [cut(scene, PLAIN_PIECE)],
    "the pieces": lambda scene: [(*SEALED_PIECE, None), (*PLAIN_PIECE, None)],
    "half of a head": lambda scene: [cut(scene, HEAD)],
    "a head": lambda scene: [(*HEAD, None)],
    "the tail": lambda scene: [(*TAIL, None)],
    "half of the tail": lambda scene: [cut(scene, TAIL)],
    "the anchor": lambda scene: [(*ANCHOR, None)],
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_is_missing_is_told_and_the_rest_is_kept(scene: Scene, what: str) -> None:
    changes = DAMAGES[what](scene)
    places = [(store, row) for store, row, _ in changes]

    found = scene.start_on(changes)

    assert_told(found, *places)
    if places[0][0] != "checkpoint":
        scene.assert_the_rest_is_kept(found, *places)
    assert scene.start().codes == []


def theirs(scene: Scene, *places: Place) -> list[Change]:
    return [(*place, scene.theirs.data(place)) for place in places]


def planted(place: Place, data: bytes) -> list[Change]:
    return [(*place, data)]


PLANTS: Damages = {
    "another device's sealed segment": lambda scene: theirs(scene, scene.place("sealed", 2)),
    "another device's plain segment": lambda scene: theirs(scene, scene.place("plain", 2)),
    "another device's last segment": lambda scene: planted(
        scene.behind("plain"), scene.theirs.data(scene.place("plain", -1))
    ),
    "another device's pieces": lambda scene: theirs(scene, SEALED_PIECE, PLAIN_PIECE),
    "another device's head": lambda scene: theirs(scene, HEAD),
    "another device's tail": lambda scene: theirs(scene, TAIL),
    "another device's anchor": lambda scene: theirs(scene, ANCHOR),
    "the last segment again": lambda scene: planted(
        scene.behind("sealed"), scene.data(scene.place("sealed", -1))
    ),
    "a segment from before the checkpoint": lambda scene: planted(
        ("plain", "000000000001"), scene.data(("plain", "000000000001"), "begin")
    ),
    "the checkpoint before": lambda scene: [
        (*place, scene.data(place, "middle")) for place in (SEALED_PIECE, PLAIN_PIECE)
    ],
    "an older head": lambda scene: planted(HEAD_COPY, scene.data(HEAD_COPY, "middle")),
    "a plain record in a sealed place": lambda scene: [forged(scene, scene.place("sealed", 3))],
    "a plain record in a plain place": lambda scene: [forged(scene, scene.place("plain", 3))],
    "one more plain record": lambda scene: [forged(scene, scene.behind("plain"))],
    "a plain piece in a sealed place": lambda scene: planted(SEALED_PIECE, scene.data(PLAIN_PIECE)),
    "a record of the schema before": lambda _: [of_schema_1()],
}


@pytest.mark.parametrize("what", PLANTS)
def test_what_was_planted_is_told_once_and_never_found(scene: Scene, what: str) -> None:
    changes = PLANTS[what](scene)

    found = scene.start_on(changes)

    assert_told(found, *((store, row) for store, row, _ in changes))
    assert scene.start().codes == []


def whole(scene: Scene, records: dict[str, dict[str, bytes]]) -> list[Change]:
    """Return what replaces the whole store, and leaves what is beside the keys."""
    gone: list[Change] = [
        (store, row, None) for store, rows in scene.now.store.items() for row in rows
    ]
    return gone + [
        (store, row, data) for store, rows in records.items() for row, data in rows.items()
    ]


TAKEOVERS: Damages = {
    "older heads": lambda scene: [
        (*place, scene.data(place, "middle")) for place in (HEAD, HEAD_COPY)
    ],
    "the store before the segments": lambda scene: whole(scene, scene.moments["checkpoints"].store),
    "the store before the checkpoint": lambda scene: whole(scene, scene.moments["begin"].store),
    "another device's heads": lambda scene: theirs(scene, HEAD, HEAD_COPY),
    "another device's store": lambda scene: whole(scene, scene.theirs.store),
    "heads exchanged": lambda scene: exchanged(scene, HEAD, HEAD_COPY),
    "no heads": lambda scene: [(*HEAD, None), (*HEAD_COPY, None)],
    "no heads, and a forged record": lambda scene: [
        *((*place, None) for place in (HEAD, HEAD_COPY)),
        forged(scene, scene.behind("plain")),
    ],
    "broken heads, and a forged record": lambda scene: [
        *(cut(scene, place) for place in (HEAD, HEAD_COPY)),
        forged(scene, scene.behind("plain")),
    ],
    "no heads, and a record of the schema before": lambda scene: [
        *((*place, None) for place in (HEAD, HEAD_COPY)),
        of_schema_1(),
    ],
    "a store of the schema before": lambda scene: whole(
        scene, {"plain": dict([of_schema_1()[1:]])}
    ),
}


@pytest.mark.parametrize("what", TAKEOVERS)
def test_another_store_in_the_place_of_this_one_is_told_and_not_used(
    scene: Scene, what: str
) -> None:
    found = scene.start_on(TAKEOVERS[what](scene))

    assert found.codes in (["store-corrupt"], ["key-lost"]), found
    assert scene.start().codes == []


def test_an_older_anchor_alone_changes_nothing(scene: Scene) -> None:
    found = scene.start_on([(*ANCHOR, scene.data(ANCHOR, "middle"))])

    assert (found.events, found.values) == (scene.mine.events, scene.mine.latest())
