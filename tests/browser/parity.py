"""The same activations under CPython, by `web-runtime run`, and in a page."""

import base64
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

from .parity_tasks import TASKS
from .site import SYSTEM, Model, Task, double_model, write_site

CALLS, EVENTS = 80, 20
PAGES: Final = ("Home", "Item")
TEXTS: Final = (
    "",
    "plain text",
    "Größe, straße; ΣΊΣΥΦΟΣ ﬁne",
    "日本語 テキスト 12a 7",
    "👩‍👩‍👧 e\u0301 \u00e9 ½ Ⅷ",
    "a\tb\nc\u2028d\\\"'</script>",
    "مرحبا שלום",
    "İstanbul ıI ǅ",
    "x" * 200,
)
NUMBERS: Final = (
    *(0, 1, -1, -7, 2**31, 2**53 - 1, 2**60, 0.1, -0.0, 1.0, 1.5, -2.5, 2.675, 1 / 3),
    *(1e-7, 5e-324, 123456789.125, 3.141592653589793, 1e21, 1e22, 1e100, 1.7976931348623157e308),
)
Outcomes = dict[str, list[dict[str, Any]]]
"""By business code: ``value``, or the ``code`` of the error."""


def activations() -> list[dict[str, Any]]:
    """Return what ``infer`` is given, the same every time: ``n`` counts, the rest varies."""
    dice = random.Random(6)
    return [{"n": n, **_object(dice, n)} for n in range(CALLS)]


def events() -> list[dict[str, Any]]:
    """Return views and clicks with props."""
    dice = random.Random(7)
    return [
        {
            "type": "mta",
            "pageId": PAGES[n % 2],
            **({"clickId": f"buy-{n % 3}"} if n % 4 else {"pv": True}),
            "props": {"n": n, "name": dice.choice(TEXTS), "price": dice.choice(NUMBERS[:12])},
        }
        for n in range(EVENTS)
    ]


def _object(dice: random.Random, n: int) -> dict[str, Any]:
    if n == 0:
        return {}
    made = {f"k{index}": _value(dice, 3) for index in range(dice.randrange(5))}
    if n % 7 == 0:
        made["photo"] = {"$base64": base64.b64encode(dice.randbytes(n)).decode()}
    # An object of JavaScript has keys that are whole numbers first, whatever their order was.
    return made | {f"z{n}": NUMBERS[n % len(NUMBERS)], "a": TEXTS[n % len(TEXTS)]}


def _value(dice: random.Random, levels: int) -> Any:
    if levels and dice.random() < 0.4:
        inner = [_value(dice, levels - 1) for _ in range(dice.randrange(4))]
        is_list = dice.random() < 0.5
        return inner if is_list else {f"ü{index}": each for index, each in enumerate(inner)}
    return dice.choice([*TEXTS, *NUMBERS, True, False, None])


def write_parity_site(folder: Path) -> Path:
    """Write a site with the tasks, a model that may run anywhere, and triggers for the events."""
    patterns = [{"type": "mta", "pageId": each, "needPv": True} for each in PAGES]
    clicks = [f"buy-{number}" for number in range(3)]
    patterns += [{"type": "mta", "pageId": each, "clickIds": clicks} for each in PAGES]
    never = {"minCalls": 100, "failureShare": 1}
    return write_site(
        folder,
        tasks=TASKS,
        models={"double": Model(double_model())},
        config={
            "triggers": [{"taskName": task.name, "events": patterns} for task in TASKS],
            "inference": {"measure": False},
            "scheduler": {"breaker": never},
        },
    )


def on_cpython(site: Path, task: Task) -> list[dict[str, Any]]:
    """Return how the runs of a task end: first calls, then those of events."""
    models = json.loads((site / "config.json").read_text())["models"]
    (site / "native.json").write_text(json.dumps({"schemaVersion": 1, "models": models}))
    ended = []
    for option, given in (("--activation", activations()), ("--event", events())):
        path = site / f"{task.business}{option}.json"
        path.write_text(json.dumps(given))
        ended += _run(site / "src" / task.name, option, path, site / "native.json")
    return _read(ended)


def _run(folder: Path, option: str, given: Path, config: Path) -> list[dict[str, Any]]:
    tool = str(Path(sys.executable).parent / "web-runtime")
    command = [tool, "run", str(folder), option, str(given)]
    command += ["--config", str(config), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and done.stdout, done.stderr
    return [
        {"code": each["error"]["code"]} if "error" in each else {"value": each["value"]}
        for each in json.loads(done.stdout)
    ]


def in_page(page: Page, url: str, vms: int) -> tuple[str, Outcomes]:
    """Return where tasks ran and, by business code, how their runs ended."""
    page.goto(f"{url}/stopped.html")
    page.add_script_tag(url=f"{url}/parity.js")
    text = json.dumps({"activations": activations(), "events": events()})
    options = {"config": f"{url}/config.json", "vms": vms, "capture": False}
    codes = [[SYSTEM, task.business, task.name] for task in TASKS]
    told = json.loads(page.evaluate("(given) => runAll(...given)", [text, options, codes]))
    return told["mode"], {name: _read(outcomes) for name, outcomes in told["outcomes"].items()}


def _read(outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return outcomes with all numbers as doubles, which is what they are in a page."""
    text = json.dumps(outcomes)
    double = lambda digits: float(digits) + 0.0  # noqa: E731 - JSON in a page has no minus zero
    read: list[dict[str, Any]] = json.loads(text, parse_int=double, parse_float=double)
    return read
