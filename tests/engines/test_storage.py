"""What outlives a page on every engine, who writes it, and whose code and consent counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import DIST
from tests.browser.test_left_page import BROUGHT, HAS_PAPER, LETTERS
from tests.browser.test_other_origin import policy
from tests.letters import legible
from web_runtime.serve import BackgroundServer, Headers, create_app

from .conftest import OpenShop
from .shop import TAG, Shop, write_shop

TRACK = "(n) => { EdgeAI.track({ type: 'mta', pageId: 'Own', clickId: 'c', props: { n } }); }"
# How many records each store of the database has, and the keys that lie beside it.
STORED = """async () => {
  const done = (request) => new Promise((ok, fail) => {
    request.onsuccess = () => ok(request.result);
    request.onerror = () => fail(request.error);
  });
  const records = async (name) => {
    const database = await done(indexedDB.open(name));
    const stores = [...database.objectStoreNames].map(async (store) =>
      [store, await done(database.transaction(store).objectStore(store).getAll())]);
    const read = Object.fromEntries(await Promise.all(stores));
    database.close();
    return read;
  };
  const { sealed, plain } = await records("edge-store");
  const inside = (value) => {
    if (value instanceof CryptoKey) return [value];
    const isPlain = Array.isArray(value) || value?.constructor === Object;
    return isPlain ? Object.values(value).flatMap(inside) : [];
  };
  const keys = inside(await records("edge-keys")).map(({ extractable }) => extractable);
  return { sealed: sealed.length, plain: plain.length, keys };
}"""
UNTIL_WRITER = """() => new Promise((ok) => {
  const check = () => {
    const last = seen.status.findLast((status) => status.role);
    if (last?.role === "writer") ok(last.role);
  };
  EdgeAI.on("status", check);
  check();
})"""
DATABASES = "async () => (await indexedDB.databases()).map(({ name }) => name).sort()"
EDGE = {"edge-keys", "edge-store"}


def tracked(shop: Shop) -> list[str]:
    return [row["props"] for row in shop.value("events") if row["page_id"] == "Own"]


@pytest.mark.feature("durable")
def test_events_and_values_outlive_the_page_and_are_sealed(shop: Shop) -> None:
    shop.ready()
    shop.evaluate(TRACK, 1)
    assert shop.call("put", "basket", {"sku": [7]}) == {"ok": None}
    assert shop.call("flush") == {"ok": None}

    shop.open()
    shop.ready()

    assert shop.call("get", "basket") == {"ok": {"sku": [7]}}
    assert tracked(shop) == ['{"n":1}']
    stored = shop.evaluate(STORED)
    assert stored["sealed"] > 0 and stored["plain"] == 0, stored
    assert stored["keys"] and not any(stored["keys"]), stored


@pytest.mark.feature("durable")
def test_what_a_page_has_not_seen_stored_comes_with_the_next_one(shop: Shop) -> None:
    shop.ready()
    shop.evaluate(HAS_PAPER, 1)
    shop.evaluate(TRACK, 1)
    shop.open("/blank.html")
    letter = shop.evaluate(LETTERS)
    assert letter and '"Own"' not in legible(letter)

    shop.open()
    shop.ready()
    shop.evaluate(BROUGHT)

    assert tracked(shop) == ['{"n":1}']
    assert [row["type"] for row in shop.value("events") if row["page_id"] == "Test"] == [
        "mta",
        "mta.exit",
        "mta",
    ]


@pytest.mark.feature("tabs")
def test_a_follower_is_answered_by_the_writer_and_takes_over_from_it(open_shop: OpenShop) -> None:
    writer = open_shop().open()
    assert writer.ready()["role"] == "writer"
    follower = open_shop().open()
    assert follower.ready()["role"] == "follower"
    follower.evaluate(TRACK, 1)
    assert follower.call("put", "key", [1]) == {"ok": None}
    assert follower.call("flush") == {"ok": None}
    assert tracked(writer) == tracked(follower) == ['{"n":1}']

    writer.close()

    assert follower.evaluate(UNTIL_WRITER) == "writer"
    assert follower.call("get", "key") == {"ok": [1]}
    assert tracked(follower) == ['{"n":1}']


@pytest.mark.feature("trust")
def test_a_signed_bundle_runs_and_a_changed_one_does_not(shop: Shop) -> None:
    (problem,) = shop.open("/signed.html").ready()["problems"]

    assert problem["code"] == "bundle-untrusted"
    assert problem["details"]["reason"] == "wrong-signature"
    assert shop.value("signed", {"a": 1})["ext"] == {"a": 1}
    assert shop.infer("forged")["error"]["code"] == "task-unknown"


@pytest.mark.feature("consent")
def test_nothing_is_kept_before_consent_and_nothing_after_it(open_shop: OpenShop) -> None:
    shop = open_shop().open("/gated.html")
    shop.tab.click("#buy")
    assert shop.infer("echo")["error"]["code"] == "runtime-stopped"
    assert shop.evaluate(DATABASES) == []

    assert shop.call("consent", True) == {"ok": None}
    assert shop.call("put", "key", 1) == {"ok": None}
    assert [row["click_id"] for row in shop.value("events") if row["click_id"]] == []
    assert EDGE <= set(shop.evaluate(DATABASES))

    assert shop.call("consent", False) == {"ok": None}
    assert not EDGE & set(shop.evaluate(DATABASES))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """The shop, whose page loads the runtime from another port under a policy for that."""
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    with BackgroundServer(create_app(nothing, DIST, csp="off", shared=True)) as assets:
        site = write_shop(tmp_path / "site")
        index = site / "index.html"
        tag = TAG.replace('src="', f'src="{assets.url}')
        index.write_text(index.read_text().replace(TAG, tag))
        headers = {"content-security-policy": policy(assets.url)}
        app = Headers(create_app(site, nothing, csp="off"), headers)
        with BackgroundServer(app) as server:
            yield server.url


@pytest.mark.feature("other-origin")
def test_files_and_workers_come_from_another_origin(open_shop: OpenShop, elsewhere: str) -> None:
    shop = open_shop()
    shop.url = elsewhere

    assert shop.open().ready()["boot"]["mode"] == "snapshot"

    assert shop.value("echo", {"a": 1})["ext"] == {"a": 1}
    assert shop.value("double", {"x": [1, -2.5, 0]}) == [2, -5, 0]
