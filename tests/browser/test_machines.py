"""VMs in a browser: they start, answer, are limited, and end."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST
from .machines import Vm, open_machines, write_machines_site

INSTALL = """
await interpreter.install("numpy", {file!r}, to_js(buffers[0]))
import numpy
value = (numpy.arange(6).reshape(2, 3) @ numpy.ones((3, 1))).ravel().tolist()
"""
WATCH = """
import ctypes, time
cell = (ctypes.c_double * 2)(0, 0)
interpreter.watch(ctypes.addressof(cell), time.monotonic() * 1000)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_machines_site(tmp_path_factory.mktemp("machines") / "site")


@pytest.fixture(params=["strict", "off"])
def vm(request: pytest.FixtureRequest, site: Path, page: Page) -> Iterator[Callable[..., Vm]]:
    """Start VMs in a page with a strict policy, and in one without any."""
    with BackgroundServer(create_app(site, DIST, csp=request.param)) as server:
        open_machines(page, server.url)
        yield lambda **options: Vm(page, **options)


def test_a_vm_answers_with_what_it_was_sent(vm: Callable[..., Vm]) -> None:
    machine = vm()

    answer = machine.run("value = [buffers[0].hex(), len(buffers)]", (b"\x01\x02", b""))

    assert answer == {"value": ["0102", 2]}


def test_two_vms_share_neither_globals_nor_random_numbers(vm: Callable[..., Vm]) -> None:
    one, other = vm(), vm()

    one.run("import builtins; builtins.mine = 1")

    assert "error" in other.run("value = mine")
    numbers = [each.run("import os; value = os.urandom(8).hex()") for each in (one, other)]
    assert numbers[0] != numbers[1]


def test_a_killed_vm_says_nothing_of_its_end(vm: Callable[..., Vm]) -> None:
    machine, other = vm(), vm()
    machine.post("while True: pass")

    machine.kill()

    assert other.run("value = 1") == {"value": 1}
    assert machine.endings() == []


def test_an_interpreter_that_breaks_ends_its_vm(vm: Callable[..., Vm]) -> None:
    machine = vm()

    machine.post("import os; os._exit(3)")

    assert "ended" in machine.next()
    assert len(machine.endings()) == 1


def test_what_is_no_message_ends_a_vm(vm: Callable[..., Vm]) -> None:
    machine = vm()

    machine.post("post(js.Object.new(), to_js([]))")

    assert "no known shape" in machine.next()["ended"]


def test_memory_above_the_cap_is_an_error_of_the_code(vm: Callable[..., Vm]) -> None:
    machine = vm(memory_bytes=128 * 1024 * 1024)

    assert machine.run("a = bytearray(200 << 20)")["error"].startswith("MemoryError")
    assert machine.run("value = len(bytearray(20 << 20))") == {"value": 20 << 20}


def test_a_cap_that_python_writes_down_holds_until_it_is_taken_back(
    vm: Callable[..., Vm],
) -> None:
    machine = vm()
    machine.run(WATCH)

    machine.run("cell[1] = interpreter.heapBytes() + (8 << 20)")

    assert machine.run("a = bytearray(100 << 20)")["error"].startswith("MemoryError")
    machine.run("cell[1] = 0")
    assert machine.run("value = len(bytearray(100 << 20))") == {"value": 100 << 20}


@pytest.mark.parametrize("code", ["while True: pass", "import re; re.match('(a*)*b', 'a' * 40)"])
def test_code_is_interrupted_at_its_deadline(vm: Callable[..., Vm], code: str) -> None:
    machine = vm()
    machine.run(WATCH)

    answer = machine.run(f"cell[0] = time.monotonic() * 1000 + 50\n{code}")

    assert answer["error"].startswith("KeyboardInterrupt")
    machine.run("cell[0] = 0")
    assert machine.run("value = sum(range(1000))") == {"value": 499500}


def test_a_package_comes_from_bytes_alone(vm: Callable[..., Vm]) -> None:
    machine = vm()
    [wheel] = DIST.glob("pyodide-*/numpy-*.whl")

    machine.post_file(
        INSTALL.format(file=wheel.name), f"/edge/{wheel.relative_to(DIST).as_posix()}"
    )

    assert machine.next()["json"] == {"value": [3.0, 12.0]}
    refused = machine.run("await interpreter.install('nothing', js.JSON.parse('null'), None)")
    assert "expected its wheel" in refused["error"]


def test_the_runtimes_own_vm_starts(vm: Callable[..., Vm]) -> None:
    script = json.loads((DIST / "manifest.json").read_text())["assets"]["vmWorker"]

    vm(url=f"/edge/{script}").kill()
