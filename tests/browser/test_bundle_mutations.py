"""A sample of the bundles that CPython refuses, in a real browser: the same code, its WebCrypto."""

import base64
import json
import marshal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.pure.abi import Abi
from playwright.sync_api import Page

from tests.bundle_mutations import CODES, TRUST, VERSIONS, material_of, mutated
from tests.effort import examples

from .bundle import bundle_worker
from .conftest import ROOT, Serve

COUNT = 400
CODE = marshal.dumps("code that nobody may read")
START = """() => {
  const worker = new Worker("/bundles-worker.js", { type: "module" });
  const root = new URL("/edge/", location.href).href;
  window.ask = (text) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message || "the worker did not load"));
    worker.postMessage({ root, text });
  });
}"""


class Device:
    """A worker that opens bundles."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.evaluate(START)

    def ask(self, text: str) -> Any:
        answer = json.loads(self._page.evaluate("(text) => ask(text)", text))
        assert "error" not in answer, answer
        return answer

    def open(self, bundles: Iterable[bytes]) -> Any:
        texts = [base64.b64encode(each).decode() for each in bundles]
        order = {"trust": TRUST, "versions": VERSIONS, "bundles": texts}
        return self.ask(json.dumps(order))


@pytest.fixture
def opener(page: Page, serve: Serve, tmp_path: Path) -> Device:
    bundle_worker(ROOT / "tests" / "browser" / "bundles-worker.js", tmp_path)
    (tmp_path / "index.html").write_text("<!doctype html><title>bundles</title>")
    page.goto(serve(tmp_path))
    return Device(page)


def test_no_mutated_bundle_is_unmarshalled(opener: Device) -> None:
    abi = Abi(*opener.ask(""))
    good = material_of(abi, CODE).good
    opened = opener.open(good)
    assert [each["type"] for each in opened["outcomes"]] == [""] * len(good), opened
    assert opened["unmarshalled"] == len(good)

    mutations = [*mutated(examples(COUNT), 7, abi, CODE)]
    refused = opener.open(each.data for each in mutations)

    assert refused["unmarshalled"] == 0
    for mutation, outcome in zip(mutations, refused["outcomes"], strict=True):
        assert outcome["type"] == "TrustError", (mutation, outcome)
        assert outcome["code"] in mutation.codes, (mutation, outcome)
    assert {each["code"] for each in refused["outcomes"]} == CODES
