"""Model files in a real browser: IndexedDB, WebCrypto, Web Locks, and connections that are cut."""

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from web_runtime.browser import launch_options
from web_runtime.seal_model import seal_model
from web_runtime.serve import BackgroundServer, create_app

from .bundle import bundle_worker
from .conftest import DIST
from .databases import OriginStorage
from .model_server import Fault, ModelServer, ranges
from .site import ASSETS

CHUNK_BYTES = 128 * 1024
SIZE = 8 * CHUNK_BYTES + 1000
DATABASE = "edge-models"
NAMES = "async () => (await indexedDB.databases()).map(({ name }) => name)"


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def first_bytes(server: ModelServer) -> list[int]:
    """Return where each request began."""
    return [int((each.range or "bytes=0-")[6:-1]) for each in server.sent]


class Files:
    """Model files in a worker of a page."""

    def __init__(self, page: Page, url: str, model_url: str) -> None:
        self.page = page
        self.url = url
        self.model_url = model_url
        page.goto(f"{url}/model-page.html")
        self.begin()

    def begin(self, *, without_database: bool = False, **surroundings: Any) -> None:
        """Begin with a new worker; the one before goes on."""
        self.page.evaluate("() => models.begin()")
        self.call(
            "open",
            {
                "withoutDatabase": without_database,
                "surroundings": {"chunkBytes": CHUNK_BYTES, **surroundings},
            },
        )

    def end(self) -> None:
        """End the worker in the middle of whatever it does."""
        self.page.evaluate("() => models.end()")

    def call(self, method: str, argument: Any = None) -> Any:
        return self.page.evaluate("([m, a]) => models.order(m, a)", [method, argument])

    def begin_to_read(self, data: bytes) -> None:
        """Have a file read whose end nobody waits for."""
        self.page.evaluate("(file) => void models.order('read', file)", self.file(data))

    def file(self, data: bytes, **fields: Any) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        common = {"maxBytes": 16_000_000, "timeoutMs": 20_000}
        return {"url": self.model_url, "sha256": digest, **common, **fields}

    def read(self, data: bytes, **fields: Any) -> list[Any]:
        """Read a file, see that it is the right one, and return the progress it told."""
        answer = self.call("read", self.file(data, **fields))
        assert "ok" in answer, answer
        found = answer["ok"]
        assert (found["bytes"], found["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        progress: list[Any] = found["progress"]
        return progress

    def failure(self, data: bytes, **fields: Any) -> dict[str, Any]:
        failure: dict[str, Any] = self.call("read", self.file(data, **fields))["error"]
        return failure

    def statistics(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("statistics")["ok"]
        return found

    def change(self, method: str, *arguments: Any) -> None:
        """Change the database as any script of the origin can."""
        self.page.evaluate("([method, args]) => models[method](...args)", [method, [*arguments]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    bundle_worker(ASSETS / "model-worker.js", folder)
    shutil.copy(ASSETS / "model-page.js", folder)
    (folder / "model-page.html").write_text(
        '<!doctype html><title>models</title><script src="model-page.js"></script>'
    )
    return folder


@pytest.fixture
def data() -> bytes:
    return noise(SIZE, 1)


@pytest.fixture
def server(data: bytes) -> Iterator[ModelServer]:
    server = ModelServer(data)
    yield server
    server.let_go()


@pytest.fixture
def url(folder: Path, server: ModelServer) -> Iterator[str]:
    site = Mount("/", create_app(folder, DIST))
    routes = [Route("/m.onnx", server), site]
    with BackgroundServer(Starlette(routes=routes)) as background:
        yield background.url
        server.let_go()


@pytest.fixture
def files(page: Page, url: str) -> Files:
    return Files(page, url, f"{url}/m.onnx")


def test_a_file_is_fetched_once_and_needs_no_network_from_then_on(
    files: Files, server: ModelServer, data: bytes, context: BrowserContext
) -> None:
    progress = files.read(data)
    files.begin()
    context.set_offline(True)
    again = files.read(data)

    assert progress[-1] == [SIZE, SIZE] and again == [[SIZE, SIZE]]
    assert ranges(server.sent) == [None] and server.body_bytes == SIZE
    assert files.statistics() == {
        **{"files": 1, "bytes": SIZE, "hits": 1, "misses": 0, "resumed": 0, "evicted": 0},
        "mode": "stored",
    }


def test_a_cut_connection_is_resumed_where_it_was_cut(
    files: Files, server: ModelServer, data: bytes
) -> None:
    server.faults = [Fault(300_000, is_held=True), Fault(0), Fault(status=503)]
    files.begin_to_read(data)
    files.call("keeps", 2 * CHUNK_BYTES)

    server.let_go()
    files.read(data)

    # Nothing is asked for again but what was on its way when the connection was cut.
    firsts = first_bytes(server)
    assert len(firsts) == 4 and len(set(firsts[1:])) == 1
    assert 2 * CHUNK_BYTES <= firsts[1] <= 300_000
    assert server.sent[3].body_bytes == SIZE - firsts[3]
    assert [each.if_range for each in server.sent] == [None, '"1"', '"1"', '"1"']
    assert files.statistics()["resumed"] == 1


@pytest.mark.parametrize("how", ["worker ended", "page left"])
def test_what_a_worker_had_when_it_ended_is_not_fetched_again(
    files: Files, server: ModelServer, data: bytes, how: str
) -> None:
    server.faults = [Fault(5 * CHUNK_BYTES + 5_000, is_held=True)]
    files.begin_to_read(data)
    files.call("keeps", 5 * CHUNK_BYTES)

    if how == "worker ended":
        files.end()
        files.begin()
    else:
        files = Files(files.page, files.url, files.model_url)
    assert files.statistics()["files"] == 0
    files.read(data)

    assert ranges(server.sent) == [None, f"bytes={5 * CHUNK_BYTES}-"]
    assert server.sent[1].body_bytes == SIZE - 5 * CHUNK_BYTES
    assert files.statistics()["resumed"] == 1
    files.begin()
    files.read(data)
    assert files.statistics()["hits"] == 1


def test_a_file_that_changed_meanwhile_is_fetched_anew(
    files: Files, server: ModelServer, data: bytes
) -> None:
    server.data = noise(SIZE, 2)
    server.faults = [Fault(300_000, is_held=True)]
    files.begin_to_read(data)
    files.call("keeps", 2 * CHUNK_BYTES)
    files.end()
    server.data, server.etag = data, '"2"'

    files.begin()
    files.read(data)

    assert ranges(server.sent) == [None, f"bytes={2 * CHUNK_BYTES}-"]
    assert server.sent[1].if_range == '"1"' and server.sent[1].body_bytes == SIZE
    assert files.statistics()["resumed"] == 0


def test_a_server_without_ranges_begins_anew(
    files: Files, server: ModelServer, data: bytes
) -> None:
    server.ranges = False
    server.faults = [Fault(300_000)]

    files.read(data)

    assert len(server.sent) == 2 and server.sent[1].body_bytes == SIZE


def test_a_compressed_body_is_counted_as_it_unpacks(files: Files, server: ModelServer) -> None:
    data = bytes(SIZE // 2) + noise(SIZE // 2, 3)
    server.data, server.is_gzipped = data, True
    server.faults = [Fault(300_000, is_held=True)]
    files.begin_to_read(data)
    files.call("keeps", 4 * CHUNK_BYTES)

    server.let_go()
    progress = files.read(data)

    assert progress[-1] == [len(data), len(data)]
    # Half of it is packed to nearly nothing.
    assert server.sent[0].body_bytes == 300_000 and first_bytes(server)[1] > SIZE // 2
    files.begin()
    files.read(data)
    assert files.statistics()["hits"] == 1


def test_another_origins_file_is_resumed_without_a_preflight(
    page: Page, folder: Path, server: ModelServer, data: bytes
) -> None:
    server.faults = [Fault(300_000, is_held=True)]
    with ExitStack() as ends:
        site = ends.enter_context(BackgroundServer(create_app(folder, DIST, csp="off")))
        other = ends.enter_context(BackgroundServer(Starlette(routes=[Route("/m", server)])))
        files = Files(page, site.url, f"{other.url}/m")

        files.begin_to_read(data)
        files.call("keeps", 2 * CHUNK_BYTES)
        server.let_go()
        files.read(data)

        assert len(server.sent) == 2 and server.sent[1].range and not server.sent[1].if_range


def test_a_body_that_ends_too_early_is_no_file(
    files: Files, server: ModelServer, data: bytes
) -> None:
    server.tells_length = False
    server.faults = [Fault(300_000, is_told=True)]

    failure = files.failure(data)

    got = hashlib.sha256(data[:300_000]).hexdigest()
    assert (failure["code"], failure["details"]["got"]) == ("digest-mismatch", got)
    assert files.statistics()["bytes"] == 0
    files.read(data)


def test_a_wrong_file_is_refused_and_not_kept(
    files: Files, server: ModelServer, data: bytes
) -> None:
    server.data = noise(SIZE, 2)

    failure = files.failure(data)

    assert failure["code"] == "digest-mismatch"
    expected, got = (hashlib.sha256(each).hexdigest() for each in (data, server.data))
    assert failure["details"] == {"url": files.model_url, "expected": expected, "got": got}
    assert (files.statistics()["files"], files.statistics()["bytes"]) == (0, 0)
    assert len(server.sent) == 1


def key_of(data: bytes, index: int) -> str:
    return f"{hashlib.sha256(data).hexdigest()}/{index:06}"


DAMAGE: dict[str, Callable[[Files, bytes], None]] = {
    "flipped": lambda files, data: files.change("flipChunk", key_of(data, 3)),
    "missing": lambda files, data: files.change("dropChunk", key_of(data, 3)),
    "last missing": lambda files, data: files.change("dropChunk", key_of(data, 8)),
    "no record": lambda files, data: files.change(
        "replaceRecord", hashlib.sha256(data).hexdigest(), None
    ),
    "foreign record": lambda files, data: files.change(
        "replaceRecord", hashlib.sha256(data).hexdigest(), {"isComplete": True, "digests": [1]}
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_was_damaged_is_fetched_anew(
    files: Files, server: ModelServer, data: bytes, damage: str
) -> None:
    files.read(data)
    DAMAGE[damage](files, data)

    files.begin()
    files.read(data)

    assert ranges(server.sent) == [None, None]
    files.begin()
    files.read(data)
    assert files.statistics()["hits"] == 1


@pytest.fixture
def profile(browser_type: BrowserType, url: str, tmp_path: Path) -> Iterator[Files]:
    """A browser with a profile on disk: a private window gives no room back before its end."""
    context = browser_type.launch_persistent_context(tmp_path / "profile", **launch_options())
    yield Files(context.new_page(), url, f"{url}/m.onnx")
    context.close()


@pytest.mark.parametrize("estimate", [True, False])
def test_a_full_quota_costs_the_least_recently_read(
    profile: Files, server: ModelServer, estimate: bool
) -> None:
    files = profile
    OriginStorage(files.page, files.url).limit(3_000_000)
    surroundings = {} if estimate else {"estimate": None}
    files.begin(**surroundings)
    models = [noise(900_000, seed) for seed in range(4)]
    for model in (*models[:2], models[0], *models[2:]):
        server.data = model
        files.read(model)

    found = files.statistics()

    assert (found["mode"], found["hits"], found["misses"]) == ("stored", 1, 4)
    assert (found["evicted"], found["files"], found["bytes"]) == (1, 3, 2_700_000)
    files.begin(**surroundings)
    for model in (models[0], *models[2:]):
        files.read(model)
    assert files.statistics()["hits"] == 3
    server.data = models[1]
    files.read(models[1])
    assert files.failure(models[0])["code"] == "digest-mismatch"


@pytest.mark.parametrize("estimate", [True, False])
def test_a_file_above_the_quota_is_used_without_being_kept(
    files: Files, server: ModelServer, estimate: bool
) -> None:
    OriginStorage(files.page, files.url).limit(3_000_000)
    files.begin(**({} if estimate else {"estimate": None}))
    small, large = noise(500_000, 1), noise(6_000_000, 2)
    server.data = small
    files.read(small)

    server.data = large
    files.read(large)

    found = files.statistics()
    assert (found["mode"], found["reason"]["code"]) == ("memory", "storage-full")
    assert (found["files"], found["bytes"], found["evicted"]) == (1, len(small), 0)
    files.read(small)
    assert files.statistics()["mode"] == "stored"


def test_without_a_database_it_works_from_the_network(
    files: Files, server: ModelServer, data: bytes
) -> None:
    files.begin(without_database=True)

    files.read(data)

    found = files.statistics()
    assert (found["mode"], found["reason"]["code"]) == ("memory", "storage-failed")


def another_that_waits(
    files: Files, server: ModelServer, data: bytes, context: BrowserContext
) -> Files:
    """Begin a download that is held up in the third chunk; return a tab that wants the same."""
    other = Files(context.new_page(), files.url, files.model_url)
    server.faults = [Fault(300_000, is_held=True)]
    files.begin_to_read(data)
    files.call("keeps", 2 * CHUNK_BYTES)
    other.begin_to_read(data)
    return other


def test_of_two_tabs_one_fetches(
    files: Files, server: ModelServer, data: bytes, context: BrowserContext
) -> None:
    other = another_that_waits(files, server, data, context)

    server.let_go()
    other.read(data)
    files.read(data)

    firsts = first_bytes(server)
    assert len(firsts) == 2 and firsts[1] >= 2 * CHUNK_BYTES
    assert other.statistics()["hits"] >= 1 and other.statistics()["misses"] == 0


def test_the_tab_that_waits_goes_on_when_the_other_ends(
    files: Files, server: ModelServer, data: bytes, context: BrowserContext
) -> None:
    other = another_that_waits(files, server, data, context)

    files.end()
    other.read(data)

    assert ranges(server.sent) == [None, f"bytes={2 * CHUNK_BYTES}-"]


def test_a_sealed_file_opens_with_its_key_alone(
    files: Files, server: ModelServer, data: bytes
) -> None:
    key = bytes(range(32))
    server.data = sealed = seal_model(data, key, chunk_bytes=100_000)
    file = files.file(sealed, seal={"key": [*key]})

    for _ in range(2):
        found = files.call("read", file)["ok"]
        assert (found["bytes"], found["sha256"]) == (SIZE, hashlib.sha256(data).hexdigest())
        files.begin()

    files.read(sealed)
    assert files.failure(sealed, seal={"key": [0] * 32})["code"] == "seal-broken"
    assert files.failure(sealed, seal={"key": [*key[1:]]})["code"] == "seal-broken"
    assert len(server.sent) == 1


def test_a_sealed_file_that_was_changed_before_it_was_published_does_not_open(
    files: Files, server: ModelServer, data: bytes
) -> None:
    key = bytes(range(32))
    sealed = seal_model(data, key, chunk_bytes=100_000)
    header, first, second = sealed[:36], sealed[36:100_064], sealed[100_064:200_092]
    forgeries = {
        "changed": sealed[:5000] + bytes([sealed[5000] ^ 1]) + sealed[5001:],
        "swapped": header + second + first + sealed[200_092:],
        "cut off": sealed[:200_092],
        "told shorter": header[:8] + (200_000).to_bytes(8, "little") + sealed[16:200_092],
    }
    for forgery in forgeries.values():
        server.data = forgery
        assert files.failure(forgery, seal={"key": [*key]})["code"] == "seal-broken"


def test_what_is_erased_is_gone(files: Files, server: ModelServer, data: bytes) -> None:
    files.read(data)
    assert DATABASE in files.page.evaluate(NAMES)

    assert "ok" in files.call("erase")

    assert DATABASE not in files.page.evaluate(NAMES)
    files.read(data)
    assert len(server.sent) == 2


def test_what_is_erased_in_the_middle_of_a_download_stays_erased(
    files: Files, server: ModelServer, data: bytes
) -> None:
    server.faults = [Fault(300_000, is_held=True)]
    files.begin_to_read(data)
    files.call("keeps", 2 * CHUNK_BYTES)

    files.call("erase")
    server.let_go()
    files.read(data)

    assert files.statistics()["mode"] == "memory"
    assert files.statistics()["bytes"] == 0
