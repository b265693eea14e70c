"""Bad input: the documented error with its number, and a page that goes on working."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import Serve
from .edge_page import EdgePage
from .site import ECHO, Task, click_trigger, double_model, write_site

PATTERN = {"type": "mta", "pageId": "Test", "needPv": False, "clickIds": ["buy"]}
SHA = "0" * 64


def trigger(**changes: Any) -> dict[str, Any]:
    return {"triggers": [{"taskName": "Echo", "events": [{**PATTERN, **changes}]}]}


def model(**changes: Any) -> dict[str, Any]:
    variant = {"url": "m.onnx", "sha256": SHA, **changes}
    return {"models": {"m": {"variants": [variant]}}}


MALFORMED: list[tuple[str, Any, str]] = [
    ("not JSON", "{", "config"),
    ("not an object", "[]", "config"),
    ("unknown field", {"trigers": []}, "trigers"),
    ("wrong type", {"bundles": "tasks/a.edge"}, "bundles"),
    ("click ids of the wrong type", trigger(clickIds=5), "triggers[0].events[0].clickIds"),
    ("can never match", trigger(clickIds=[]), "triggers[0].events[0]"),
    ("no task name", {"triggers": [{"events": [PATTERN]}]}, "triggers[0]"),
    ("bad digest", model(sha256="abc"), "models.m.variants[0].sha256"),
    ("unknown backend", model(backend="cuda"), "models.m.variants[0].backend"),
    ("negative limit", {"data": {"events": {"maxRows": -1}}}, "data.events.maxRows"),
    ("nested too deep", '{"a":' * 3_000 + "1" + "}" * 3_000, "config"),
    ("no JSON number", '{"data": {"events": {"maxRows": NaN}}}', "NaN"),
    ("beyond every number", '{"data": {"events": {"maxRows": 1e999}}}', "data.events.maxRows"),
    ("wrong schema version", {"schemaVersion": 2}, "schemaVersion"),
]


@pytest.mark.parametrize(
    ("config", "path"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED]
)
def test_a_malformed_config_is_refused_with_its_path(
    serve: Serve, tmp_path: Path, page: Page, config: Any, path: str
) -> None:
    edge = EdgePage(page, serve(write_site(tmp_path / "site", config=config))).open()

    error = edge.until("status", state="failed")["error"]

    assert (error["code"], error["number"]) == ("config-invalid", 1001)
    assert path in error["message"] and "expected" in error["message"]
    assert edge.infer("echo")["error"]["code"] == "config-invalid"
    edge.page.click("#buy")
    assert edge.failures == []


def test_a_missing_config_is_a_network_error_with_its_url(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    site = write_site(tmp_path / "site")
    (site / "config.json").unlink()

    error = EdgePage(page, serve(site)).open().until("status", state="failed")["error"]

    assert error["code"] == "network-failed"
    assert error["details"]["url"].endswith("/config.json") and error["details"]["status"] == 404


def test_a_missing_bundle_disables_its_task_only(serve: Serve, tmp_path: Path, page: Page) -> None:
    site = write_site(tmp_path / "site", config={"bundles": ["tasks/Echo.edge", "tasks/Gone.edge"]})
    edge = EdgePage(page, serve(site)).open()

    problems = edge.ready()["problems"]

    assert [(p["code"], p["details"]["status"]) for p in problems] == [("network-failed", 404)]
    assert "Gone.edge" in problems[0]["message"]
    assert edge.value("echo", {"still": "here"})["ext"] == {"still": "here"}


def test_a_changed_bundle_is_never_loaded(serve: Serve, tmp_path: Path, page: Page) -> None:
    site = write_site(tmp_path / "site")
    bundle = site / "tasks" / "Echo.edge"
    packed = bytearray(bundle.read_bytes())
    packed[packed.index(b"main.py") + 20] ^= 1
    bundle.write_bytes(bytes(packed))
    edge = EdgePage(page, serve(site)).open()

    problems = edge.ready()["problems"]

    assert problems[0]["code"] in {"bundle-invalid", "digest-mismatch"}
    assert edge.infer("echo")["error"]["code"] == "task-unknown"


def test_a_model_with_the_wrong_digest_is_never_opened(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    source = """
from edge_runtime.task import Tensor
async def run(ctx, activation):
    return (await ctx.infer("double", {"x": Tensor.float32([1.0])}))["y"].tolist()
"""
    site = write_site(
        tmp_path / "site",
        tasks=[
            Task("Double", "double", source, {"models": ["double"], "timeout_ms": 60_000}),
            Task("Echo", "echo", ECHO),
        ],
        models={"double": double_model()},
    )
    config = json.loads((site / "config.json").read_text())
    config["models"]["double"]["variants"][0]["sha256"] = SHA
    (site / "config.json").write_text(json.dumps(config))
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    error = edge.infer("double")["error"]

    assert (error["code"], error["number"]) == ("digest-mismatch", 2001)
    assert SHA in error["message"]
    assert edge.value("echo")["trigger"] == "api"


def test_a_task_that_raises_reports_its_own_lines(serve: Serve, tmp_path: Path, page: Page) -> None:
    source = "async def run(ctx, activation):\n    rows = []\n    return rows[3]\n"
    site = write_site(
        tmp_path / "site",
        tasks=[Task("Broken", "broken", source), Task("Echo", "echo", ECHO)],
        config={"triggers": [click_trigger("Broken", "buy")]},
    )
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    error = edge.infer("broken")["error"]
    edge.page.click("#buy")
    failure = edge.until("error", taskName="Broken")

    assert (error["code"], error["number"], error["isEdgeError"]) == ("task-raised", 4001, True)
    assert "IndexError: list index out of range" in error["message"]
    assert 'Broken/main.py", line 3, in run' in error["details"]["traceback"]
    assert "return rows[3]" in error["details"]["traceback"]
    assert failure["error"]["code"] == "task-raised"
    assert edge.value("echo")["trigger"] == "api"


def test_an_unknown_pair_lists_the_known_ones(serve: Serve, tmp_path: Path, page: Page) -> None:
    edge = EdgePage(page, serve(write_site(tmp_path / "site"))).open()
    edge.ready()

    error = edge.infer("nothing")["error"]

    assert (error["code"], error["number"]) == ("task-unknown", 1003)
    assert "nothing" in error["message"] and "echo" in error["message"]


@pytest.mark.parametrize(
    "params",
    [{}, {"systemCode": "test-shop"}, {"systemCode": 5, "businessCode": "echo"}, None,
     {"systemCode": "test-shop", "businessCode": "echo", "priority": "urgent"},
     {"systemCode": "test-shop", "businessCode": "echo", "timeoutMs": -1}],
)  # fmt: skip
def test_bad_arguments_are_refused_before_anything_runs(
    serve: Serve, tmp_path: Path, page: Page, params: Any
) -> None:
    edge = EdgePage(page, serve(write_site(tmp_path / "site"))).open()
    edge.ready()

    error = edge.call("infer", params)["error"]

    assert (error["code"], error["number"]) == ("argument-invalid", 1002)
    assert "expected" in error["message"]


def test_a_result_that_cannot_leave_python_is_an_error(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    source = "async def run(ctx, activation):\n    return {'order': [1, {2, 3}]}\n"
    site = write_site(tmp_path / "site", tasks=[Task("Set", "set", source)])
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    error = edge.infer("set")["error"]

    assert error["code"] == "task-output-invalid"
    assert "order[1]" in error["message"]


def test_bad_events_are_dropped_with_a_word(serve: Serve, tmp_path: Path, page: Page) -> None:
    edge = EdgePage(page, serve(write_site(tmp_path / "site"))).open()
    edge.ready()

    for bad in [None, {}, {"type": "mta"}, {"type": "mta", "pageId": 7}]:
        edge.page.evaluate("(event) => EdgeAI.track(event)", bad)
    edge.page.evaluate(
        "() => { const a = {type: 'mta', pageId: 'P'}; a.props = {a}; EdgeAI.track(a); }"
    )
    edge.page.evaluate("() => EdgeAI.track({type: 'mta', pageId: 'Good'})")
    edge.call("flush")

    assert edge.until("log", level="warning")
    assert edge.failures == []
