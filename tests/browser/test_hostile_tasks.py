"""Tasks that do harm, as real bundles in real VMs: each fails, and nobody else notices."""

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.hostile.harming import BROWSER, FORGED, SUICIDES
from tests.hostile.poisoning import FACTS, IN_A_VM, POISON, STATE, TRUTH
from tests.hostile.reaching import IMPORTS, OTHERS, SEALED
from tests.hostile.task import CONTROLS, source_of
from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST
from .edge_page import EdgePage
from .site import Task, write_site

MARK = base64.b64encode(b"a key that seals bundles, 32byte").decode()
REACHING = {"imports": IMPORTS, "sealed": SEALED, "browser": BROWSER, "others": OTHERS}
TRUE = {**TRUTH, **IN_A_VM}
KEEPER = """
SECRET = "password"
async def run(ctx, activation):
    raise ValueError(SECRET)
"""
# Holds a VM until the page says so.
WAITS = """
import asyncio
async def run(ctx, activation):
    await ctx.put("run", activation.run_id)
    while not await ctx.get("open"):
        await asyncio.sleep(0.02)
    return "whole"
"""
TIMEOUT = {"timeout_ms": 20_000}
TASKS = (
    *(Task(name.title(), name, source_of(probes), TIMEOUT) for name, probes in REACHING.items()),
    Task("Controls", "controls", source_of(CONTROLS), TIMEOUT),
    Task("Poison", "poison", source_of(POISON), TIMEOUT),
    Task("State", "state", source_of(STATE), TIMEOUT),
    Task("Forger", "forger", source_of(FORGED), TIMEOUT),
    Task("Suicide", "suicide", source_of(SUICIDES), {"timeout_ms": 5_000}),
    Task("Innocent", "innocent", FACTS, TIMEOUT),
    Task("Keeper", "keeper", KEEPER, {"stateful": True}),
    Task("Waits", "waits", WAITS, {"timeout_ms": 110_000}),
)


class Log:
    """An application that notes which paths it was asked for."""

    def __init__(self, app: Any) -> None:
        self.paths: list[str] = []
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            self.paths.append(scope["path"])
        await self._app(scope, receive, send)


class Shop(EdgePage):
    """A page, and what hostile code must not change of it."""

    def __init__(self, page: Page, url: str, log: Log) -> None:
        super().__init__(page, url)
        self._log = log
        self.open().ready()
        page.evaluate(PREPARE)

    def run(self, business: str, probes: Iterable[str], ext: Any = None) -> dict[str, Any]:
        """Return the outcome of each probe; they run one after the other."""
        outcomes: dict[str, Any] = self.page.evaluate(RUN, [business, [*probes], ext or {}])
        return outcomes

    def settle(self) -> None:
        """Take what is there now as what there is to be."""
        self.value("innocent")
        self.infer("keeper")
        self.before = self.state()
        self.asked = len(self._log.paths)

    def state(self) -> Any:
        return self.page.evaluate(STATE_OF_PAGE)

    def is_unharmed(self) -> None:
        """See that nothing has happened to the origin."""
        assert self.state() == self.before
        assert self._log.paths[self.asked :] == []
        assert self.failures == []


PREPARE = """async () => {
  document.cookie = "user=7";
  localStorage.setItem("user", "7");
  await (await caches.open("user")).put("/user", new Response("7"));
  window.heard = [];
  new BroadcastChannel("any").onmessage = ({ data }) => window.heard.push(data);
  await EdgeAI.put("kept", 7);
}"""
STATE_OF_PAGE = """async () => ({
  databases: (await indexedDB.databases()).map(({ name }) => name).sort(),
  cookie: document.cookie,
  local: localStorage.getItem("user"),
  caches: await caches.keys(),
  files: await Array.fromAsync((await navigator.storage.getDirectory()).keys()),
  heard: window.heard,
  kept: await EdgeAI.get("kept"),
  stolen: await EdgeAI.get("forged"),
})"""


RUN = """async ([businessCode, probes, ext]) => {
  const outcomes = {};
  for (const probe of probes) {
    const params = { systemCode: "test-shop", businessCode, extData: { ...ext, probe } };
    outcomes[probe] = await settle(EdgeAI.infer(params));
  }
  return outcomes;
}"""


def opened(browser: Browser, site: Path) -> Iterator[Shop]:
    log = Log(create_app(site, DIST))
    with BackgroundServer(log) as server, browser.new_context() as context:
        yield Shop(context.new_page(), server.url, log)


def site_of(folder: Path, vms: int) -> Path:
    never = {"minCalls": 100, "failureShare": 1, "openMs": 1, "maxOpenMs": 1}
    config = {
        "vms": vms,
        "container": {"spare": False},
        "scheduler": {"breaker": never},
        "trust": {"unsigned": True, "seals": {"s1": MARK}},
    }
    return write_site(folder, tasks=TASKS, config=config)


@pytest.fixture(scope="module")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A page with one VM, in which all runs follow each other."""
    for shop in opened(browser, site_of(tmp_path_factory.mktemp("one") / "site", 1)):
        shop.settle()
        yield shop


@pytest.mark.parametrize("group", REACHING)
def test_what_a_task_reaches_for_is_not_to_be_had(shop: Shop, group: str) -> None:
    outcomes = shop.run(group, REACHING[group], {"url": shop.url, "mark": MARK})

    assert {name: each["ok"]["value"] for name, each in outcomes.items() if "ok" in each} == {}
    # By the probe's own failure, not by the end of its VM.
    codes = {each["error"]["code"] for each in outcomes.values()}
    assert codes <= {"task-raised", "egress-refused"}
    assert shop.value("innocent") == TRUE
    shop.is_unharmed()


def test_the_probes_see_what_there_is(shop: Shop) -> None:
    outcomes = shop.run("controls", CONTROLS)

    values = {name: each["ok"]["value"] for name, each in outcomes.items()}
    assert values["the realm's clock"] > 0
    assert values["the guest"] == "Vm"
    assert values["many objects"] > 5_000


@pytest.mark.parametrize("name", POISON)
def test_the_task_behind_finds_its_library_as_it_should_be(shop: Shop, name: str) -> None:
    outcome = shop.run("poison", [name])[name]

    # Who breaks what the guest itself goes by loses its own run.
    assert "ok" in outcome or outcome["error"]["code"] == "task-crashed", outcome
    assert shop.value("innocent") == TRUE


@pytest.mark.parametrize("name", STATE)
def test_a_run_finds_nothing_of_the_run_before(shop: Shop, name: str) -> None:
    values = [shop.value("state", {"probe": name}) for _ in range(3)]

    assert values == [1, 1, 1]


@pytest.mark.parametrize("name", SUICIDES)
def test_a_vm_that_a_task_ends_is_replaced(shop: Shop, name: str) -> None:
    shop.run("suicide", [name])

    assert shop.value("innocent") == TRUE
    shop.is_unharmed()


@pytest.fixture
def busy(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A page with some VMs, in one of which a run goes on."""
    for shop in opened(browser, site_of(tmp_path / "site", request.param)):
        shop.page.evaluate(BEGIN, request.param)
        yield shop


BEGIN = """async (count) => {
  const call = (businessCode) => EdgeAI.infer({ systemCode: "test-shop", businessCode });
  const soon = () => new Promise((ok) => setTimeout(ok, 20));
  window.longRun = settle(call("waits"));
  while ((await EdgeAI.get("run")) === null) await soon();
  // A second one starts for a run that finds the first one busy.
  await call("innocent");
  while ((await EdgeAI.statistics()).vms.ready < count) await soon();
}"""


def ended(shop: Shop) -> Any:
    """Let the run that goes on end; return its outcome."""
    shop.call("put", "open", True)
    return shop.page.evaluate("async () => window.longRun")


@pytest.mark.parametrize("busy", [2], indirect=True)
def test_what_a_vm_says_of_runs_in_another_one_counts_for_nothing(busy: Shop) -> None:
    run = busy.call("get", "run")["ok"]

    outcomes = busy.run("forger", FORGED, {"run": run})

    assert all("ok" in each for each in outcomes.values()), outcomes
    assert ended(busy)["ok"]["value"] == "whole"
    assert busy.state()["stolen"] is None
    assert busy.failures == []


@pytest.mark.parametrize("busy", [1], indirect=True)
def test_tasks_of_one_vm_trust_each_other(busy: Shop) -> None:
    """What docs/containment.md says that a VM does not do."""
    run = busy.call("get", "run")["ok"]

    busy.run("forger", ["an ask", "an outcome"], {"run": run})

    assert ended(busy)["ok"]["value"] == "forged"
    assert busy.state()["stolen"] == 1
    busy.infer("keeper")
    assert busy.run("controls", ["another task's secret"])["another task's secret"]["ok"]["value"]
