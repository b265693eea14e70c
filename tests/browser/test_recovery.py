"""Real faults: workers that hang, crash or vanish, storage that is full or taken away."""

from pathlib import Path
from typing import Any

import pytest
from edge_runtime.pure.statistics import QueueStatistics, Statistics
from playwright.sync_api import Page

from .conftest import Serve
from .databases import OriginStorage
from .edge_page import EdgePage
from .site import SYSTEM, Task, double_model, write_site
from .workers import worker_of

DOUBLE = """
from edge_runtime.task import Tensor

async def run(ctx, activation):
    outputs = await ctx.infer("double", {"x": Tensor.float32([float(activation.ext_data["x"])])})
    return outputs["y"].tolist()
"""
DEAF = """
import asyncio

async def run(ctx, activation):
    if activation.ext_data.get("ends"):
        return "ended"
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
"""
COUNT = """
async def run(ctx, activation):
    rows = await ctx.query("select props->>'n' as n from events where page_id = 'M' order by rowid")
    return [row["n"] for row in rows]
"""
TASKS = [
    Task("Double", "double", DOUBLE, {"models": ["double"], "timeout_ms": 60_000}),
    Task("Deaf", "deaf", DEAF, {"timeout_ms": 100}),
    Task("Ends", "ends", DEAF),
    Task("Count", "count", COUNT),
]
SHARED_SLOTS = 3
CRASH = "() => void setTimeout(() => { throw new Error('boom') })"
MANY = """([system, n]) => Promise.all([...Array(n).keys()].map((x) => settle(
  EdgeAI.infer({systemCode: system, businessCode: "double", extData: {x}}))))"""


@pytest.fixture
def unopened(serve: Serve, tmp_path: Path, page: Page) -> EdgePage:
    site = write_site(tmp_path / "site", tasks=TASKS, models={"double": double_model()})
    return EdgePage(page, serve(site))


@pytest.fixture
def edge(unopened: EdgePage) -> EdgePage:
    unopened.open().ready()
    return unopened


def track(edge: EdgePage, *numbers: int) -> None:
    edge.page.evaluate(
        "(numbers) => { for (const n of numbers)"
        " EdgeAI.track({type: 'mta', pageId: 'M', clickId: 'c', props: {n}}); }",
        list(numbers),
    )


def ready_again(edge: EdgePage) -> list[str]:
    """Wait for the second `ready` and return the states up to it."""
    states: list[str] = edge.page.evaluate(
        """() => new Promise((ok) => {
          const told = () => seen.status.map(({ state }) => state);
          const check = () => told().filter((state) => state === "ready").length > 1 && ok(told());
          EdgeAI.on("status", check);
          check();
        })"""
    )
    return [
        state for state, before in zip(states, [None, *states], strict=False) if state != before
    ]


def test_runs_survive_a_crash_of_the_engine(edge: EdgePage) -> None:
    assert edge.value("double", {"x": 1}) == [2]

    edge.page.evaluate(f"(args) => {{ window.runs = ({MANY})(args); }}", [SYSTEM, 40])
    worker_of(edge.page, "inference-worker").evaluate(CRASH)
    settled = edge.page.evaluate("() => runs")

    assert [one.get("ok", one)["value"] for one in settled] == [[2 * n] for n in range(40)]
    assert edge.value("double", {"x": 5}) == [10]
    assert edge.failures == []


def test_a_crash_of_the_runtime_is_noticed_and_repaired_at_once(edge: EdgePage) -> None:
    track(edge, 1, 2)
    edge.call("flush")
    edge.call("put", "k", "kept")

    worker_of(edge.page, "runtime-worker").evaluate(CRASH)
    track(edge, 3)

    assert ready_again(edge) == ["booting", "ready", "booting", "ready"]
    assert edge.value("count") == [1, 2, 3]
    assert edge.call("get", "k") == {"ok": "kept"}
    assert edge.value("double", {"x": 4}) == [8]
    assert edge.failures == []
    assert any("boom" in line["message"] for line in edge.seen("log"))


def test_a_worker_whose_slots_are_held_for_good_is_replaced(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    # In a VM such code ends with that.
    site = write_site(tmp_path / "site", tasks=TASKS[1:], config={"vms": 0})
    edge = EdgePage(page, serve(site)).open()
    edge.ready()
    held = [edge.infer("deaf")["error"]["code"] for _ in range(SHARED_SLOTS)]
    track(edge, 1, 2)

    assert ready_again(edge) == ["booting", "ready", "booting", "ready"]
    assert held == ["task-timeout"] * SHARED_SLOTS
    assert edge.value("ends", {"ends": True}) == "ended"
    assert edge.value("count") == [1, 2]
    log = [line["message"] for line in edge.seen("log")]
    assert sum("keeps its slot" in line for line in log) == SHARED_SLOTS
    assert any("expected to return when they were cancelled" in line for line in log)
    assert edge.failures == []


def test_a_pause_outlives_a_killed_worker(edge: EdgePage) -> None:
    edge.call("pause")

    worker_of(edge.page, "runtime-worker").evaluate(CRASH)
    ready_again(edge)

    assert edge.call("statistics")["ok"]["paused"]
    assert edge.infer("count")["error"]["code"] == "runtime-paused"
    edge.call("resume")
    assert edge.value("count") == []
    assert edge.failures == []


def test_a_vanished_worker_is_noticed_by_the_next_event(edge: EdgePage) -> None:
    worker_of(edge.page, "runtime-worker").evaluate("() => self.close()")
    track(edge, 1, 2, 3)

    assert ready_again(edge) == ["booting", "ready", "booting", "ready"]
    assert edge.value("count") == [1, 2, 3]


# Random text does not compress, so it needs the room that it seems to need.
NOISE = """(length) => {
  let text = "";
  while (text.length < length) text += crypto.randomUUID();
  return text.slice(0, length);
}"""
PUT_MANY = f"""async (count) => {{
  const all = [];
  for (let n = 0; n < count; n++) all.push(await settle(EdgeAI.put("k" + n, ({NOISE})(700_000))));
  return all.map(({{ error }}) => error ?? null);
}}"""
TRACK_MANY = f"""(count) => {{
  for (let n = 0; n < count; n++)
    EdgeAI.track({{type: "mta", pageId: "M", clickId: "c", props: {{n, text: ({NOISE})(4_000)}}}});
}}"""


@pytest.fixture
def storage(unopened: EdgePage) -> OriginStorage:
    return OriginStorage(unopened.page, unopened.url)


def test_a_full_disk_is_said_and_ends(storage: OriginStorage, unopened: EdgePage) -> None:
    storage.limit(3_000_000)
    edge = unopened.open()
    edge.ready()

    errors = edge.page.evaluate(PUT_MANY, 12)
    refused = next(error for error in errors if error)

    assert errors[0] is None
    assert (refused["code"], refused["number"]) == ("storage-full", 3003)
    assert refused["isEdgeError"] and "quota" in refused["message"]
    assert len(edge.call("get", "k0")["ok"]) == 700_000
    assert edge.call("get", "k11") == {"ok": None}
    assert edge.value("double", {"x": 2}) == [4]
    # It comes back as soon as a little has room, so large ones are refused for either reason.
    codes = {error["code"] for error in errors if error}
    assert codes == {"storage-full", "store-unavailable"}
    said = edge.until("status", state="store")["store"]
    assert (said["mode"], said["reason"]["code"]) == ("memory-only", "storage-full")

    storage.lift()
    edge.until_store("durable")
    assert "ok" in edge.call("put", "later", 2)
    edge.open()
    edge.ready()

    assert edge.call("get", "later") == {"ok": 2}
    assert edge.failures == []


def test_events_that_find_no_room_wait_in_memory(
    storage: OriginStorage, unopened: EdgePage
) -> None:
    storage.limit(1_000_000)
    edge = unopened.open()
    edge.ready()
    edge.page.evaluate(TRACK_MANY, 900)

    assert edge.call("flush")["error"]["code"] in ("storage-full", "store-unavailable")
    assert edge.value("count") == list(range(900))
    assert edge.call("statistics")["ok"]["store"]["pendingOps"] > 0

    storage.lift()
    edge.until_store("durable")
    assert "ok" in edge.call("flush")
    edge.open()
    edge.ready()

    assert edge.value("count") == list(range(900))


def test_deleted_databases_come_back_with_what_is_new(
    storage: OriginStorage, edge: EdgePage
) -> None:
    track(edge, 1)
    edge.call("flush")

    storage.clear()
    track(edge, 2)
    flushed, put = edge.call("flush"), edge.call("put", "k", "new")

    assert ("ok" in flushed, "ok" in put) == (True, True), (flushed, put)
    assert edge.value("count") == [2]
    assert edge.until_store("durable")["problems"][0]["details"] == {"lost": "deleted"}
    edge.open()
    problems = edge.ready()["problems"]
    assert edge.call("get", "k") == {"ok": "new"}, problems
    assert edge.value("count") == [2]


def test_two_tabs_work_together_and_a_reload_sees_both(edge: EdgePage) -> None:
    other = EdgePage(edge.page.context.new_page(), edge.url).open()
    other.ready()

    track(edge, 1, 2)
    track(other, 3)
    for tab, key in ((edge, "one"), (other, "two")):
        assert tab.value("double", {"x": 1}) == [2]
        assert "ok" in tab.call("put", key, key)
        assert "ok" in tab.call("flush")
    edge.open()
    edge.ready()

    assert sorted(edge.value("count")) == [1, 2, 3]
    for tab in (edge, other):
        assert [tab.call("get", key)["ok"] for key in ("one", "two")] == ["one", "two"]
    assert sorted(other.value("count")) == [1, 2, 3]
    assert other.failures == []


def test_statistics_are_frozen_and_shaped_as_documented(edge: EdgePage) -> None:
    statistics: dict[str, Any] = edge.page.evaluate(
        "async () => { const all = await EdgeAI.statistics();"
        " return {...all, isFrozen: Object.isFrozen(all)}; }"
    )

    assert statistics.pop("isFrozen")
    assert set(statistics.pop("page")) == {"waiting", "dropped", "refused"}
    assert statistics.pop("boot")["mode"] == "snapshot"
    assert statistics.pop("role") == "writer"
    assert statistics.pop("memory")["pythonHeapBytes"] > 2**20
    assert statistics.pop("modelFiles")["mode"] == "stored"
    assert set(statistics) == set(Statistics.__annotations__)
    assert set(statistics["queues"]) == {"core", "regular", "low"}
    for queue in statistics["queues"].values():
        assert set(queue) == set(QueueStatistics.__annotations__)
