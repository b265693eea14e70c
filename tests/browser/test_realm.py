"""What arbitrary Python in a VM can reach of the browser, with each guard and without it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST
from .machines import Vm, open_machines, write_machines_site

# By the guard that stops them: Python, with every JavaScript object at hand, doing harm.
PROBES = {
    "code": [
        "value = js.Object.constructor.new('return 42')()",
        "value = post.constructor.new('return 42')()",
        "value = await interpreter.install.constructor('return 42')()",
        "from pyodide.code import run_js; value = run_js('42')",
        "js.setTimeout('globalThis.got = 42'); await asyncio.sleep(0.1); value = js.got",
        """
above = js.Object.getPrototypeOf(js.Object.getPrototypeOf(js.globalThis))
above.setTimeout.call(js.globalThis, 'globalThis.seen = 42')
await asyncio.sleep(0.1)
value = js.seen""",
    ],
    "network": [
        "value = (await js.fetch('/index.html')).status",
        "value = (await early_fetch('/index.html')).status",
        "from pyodide.http import open_url; value = len(open_url('/index.html').read())",
        "value = str(js.WebSocket.new('ws://127.0.0.1:1/'))",
        "value = str(js.EventSource.new('/index.html'))",
        "value = str(js.FontFace.new('face', 'url(/index.html)'))",
        "value = str(js.RTCEncodedVideoFrame)",
        "value = str(js.WebAssembly.compileStreaming)",
    ],
    "storage": [
        "value = len(await js.indexedDB.databases())",
        "value = len(await js.caches.keys())",
        "value = str(js.FileSystemFileHandle)",
    ],
    "workers": ["value = str(js.Worker.new('/machines-page.js'))"],
    "channels": [
        "value = str(js.BroadcastChannel.new('any').postMessage('from a task'))",
        "value = str(js.postMessage('from a task'))",
        "value = str(js.close)",
        "value = str(js.addEventListener)",
        "value = str(js.MessageEvent)",
    ],
    "navigator": [
        "value = str(await js.navigator.storage.getDirectory())",
        "value = str(js.navigator.locks.request)",
    ],
    "crypto": ["value = str(js.crypto.subtle.generateKey)"],
    "rest": [
        "value = js.location.href",
        "value = str(js.URL.createObjectURL)",
        "value = str(js.OffscreenCanvas.new(1, 1))",
        "value = str(js.Atomics.wait)",
        "value = str(js.structuredClone)",
        "value = str(js.performance.getEntries)",
        "value = str(js.console.profile)",
    ],
    "interpreter": [
        "import pyodide_js; value = str(pyodide_js._module.FS.filesystems.IDBFS.indexedDB)",
        "import pyodide_js; value = pyodide_js.runPython('42')",
        "import pyodide_js; value = str(pyodide_js.loadPackage)",
    ],
}
AUDIT = """
import gc
from pyodide.ffi import JsProxy
held = (each for owner in gc.get_objects() for each in gc.get_referents(owner))
roots = {id(each): each for each in held if isinstance(each, JsProxy)}
result = audit(to_js(list(roots.values())))
value = {"visited": result.visited, "found": sorted(result.found)}
"""
CATCH = """
caught, events = [], []
keep = create_proxy(lambda this, *rest: caught.append(this), capture_this=True)
take_turn = turns._channel.port1.onmessage
watch = create_proxy(lambda event: (events.append(event), take_turn(event)))
turns._channel.port1.onmessage = watch
await asyncio.sleep(0)
await asyncio.sleep(0.05)
ports, event = js.Object.getPrototypeOf(turns._channel.port2), js.Object.getPrototypeOf(events[0])
getter = js.JSON.parse('{"configurable": true}')
getter.get = keep
js.Object.defineProperty(event, "data", getter)
js.Object.defineProperty(js.Object.getPrototypeOf(event), "target", getter)
ports.postMessage = keep
value = len(events) > 0
"""
RUN_SCRIPT = """
import ctypes
ctypes.pythonapi.emscripten_run_script(b"globalThis.got = 42")
value = js.got
"""
LIBRARY = """
import hashlib, json, random, re, sqlite3, time, os, uuid, datetime, tempfile, zlib
await asyncio.sleep(0.01)
database = sqlite3.connect(":memory:")
with tempfile.TemporaryFile() as file:
    file.write(zlib.compress(b"a"))
value = [
    json.loads("[1]"), random.random() < 1, bool(re.match("a+", "aa")), time.time() > 1e9,
    hashlib.sha256(b"a").hexdigest()[:4], database.execute("select 1").fetchone()[0],
    len(os.urandom(4)), len(str(uuid.uuid4())), os.cpu_count(), datetime.datetime.now().year > 2000,
]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_machines_site(tmp_path_factory.mktemp("machines") / "site")


@pytest.fixture(scope="module", params=["off", "strict"])
def opened(request: pytest.FixtureRequest, site: Path, browser: Browser) -> Iterator[Page]:
    """A page without a policy, so that only the realm itself stops anything; and a strict one."""
    with BackgroundServer(create_app(site, DIST, csp=request.param)) as server:
        page = browser.new_page()
        open_machines(page, server.url)
        yield page
        page.close()


@pytest.fixture(scope="module")
def vm(opened: Page) -> Vm:
    return Vm(opened)


@pytest.fixture(scope="module")
def free(site: Path, browser: Browser) -> Iterator[Page]:
    """A page without a policy, for VMs that lack a guard."""
    with BackgroundServer(create_app(site, DIST, csp="off")) as server:
        page = browser.new_page()
        open_machines(page, server.url)
        yield page
        page.close()


@pytest.mark.parametrize("probe", [each for probes in PROBES.values() for each in probes])
def test_python_is_refused(vm: Vm, probe: str) -> None:
    answer = vm.run(probe)

    assert "error" in answer, answer


def test_nothing_that_python_can_reach_does_harm(vm: Vm) -> None:
    answer = vm.run(AUDIT)["value"]

    assert answer["found"] == []
    assert answer["visited"] > 10_000


@pytest.mark.parametrize("guard", PROBES)
def test_without_its_guard_each_probe_succeeds(free: Page, guard: str) -> None:
    vm = Vm(free, url=f"/machine-worker.js?except={guard}")

    answers = {probe: vm.run(probe) for probe in PROBES[guard]}

    assert {probe: each for probe, each in answers.items() if "error" in each} == {}
    # What the interpreter holds is within reach of nothing else.
    assert guard == "interpreter" or vm.run(AUDIT)["value"]["found"]
    vm.kill()


@pytest.mark.parametrize("guard", [None, "code"])
def test_text_becomes_no_code_on_the_interpreters_way_either(free: Page, guard: str | None) -> None:
    vm = Vm(free, url=f"/machine-worker.js?except={guard or ''}")

    vm.post(RUN_SCRIPT)

    said = vm.next()
    if guard:
        assert said["json"] == {"value": 42}
    else:
        assert "ended" in said


def test_the_port_is_in_no_hands_of_python(vm: Vm, opened: Page) -> None:
    caught = Vm(opened)

    assert caught.run(CATCH) == {"value": True}
    caught.post("value = len(caught)")

    assert caught.next()["json"] == {"value": 0}


def test_the_library_works_in_what_is_left(vm: Vm) -> None:
    expected = [[1], True, True, True, "ca97", 1, 4, 36, 1, True]

    assert vm.run(LIBRARY) == {"value": expected}
