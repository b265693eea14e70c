"""Canaries: what hostile tasks do fails by the guard that is meant to stop it, and not without."""

import ast
import asyncio
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.guest import modules
from edge_runtime.guest.code import TaskCode
from edge_runtime.guest.modules import Modules
from edge_runtime.guest.pristine import Pristine, clear_folder
from edge_runtime.guest.sealing import seal_interpreter

from tests.hostile.poisoning import FACTS, POISON, STATE, TRUTH
from tests.hostile.reaching import IMPORTS, OTHERS, SEALED, SEALED_ON_CPYTHON
from tests.hostile.task import source_of

from ..services.container_stage import Stage, play_on

# Without those of Pyodide, and what is no import.
IMPORTS_HERE = [
    name
    for name in IMPORTS
    if not name.startswith(("relative", "import inside", "__loader__", "__spec__"))
    and not any(each in name for each in ("js", "pyodide", "micropip"))
]
PATIENCE_S = 30


class Context:
    """As much of a run's context as the tasks use."""

    async def get(self, key: str) -> Any:
        return None


class Activation:
    """Names the probe."""

    run_id = "r1"

    def __init__(self, probe: str) -> None:
        self.ext_data = {"probe": probe}


def done(source: str, probe: str = "") -> Any:
    """Return what a task returns; an exception's text if it raises."""
    return asyncio.run(entry(source)(Context(), Activation(probe)))


def entry(source: str, on_import: Callable[[], None] = lambda: None) -> Any:
    """Return a task's function."""
    code = TaskCode("Hostile", {"main.py": source.encode()})
    return Modules(code, on_import=on_import).entry("main:run")


def in_child(action: Callable[[], Any]) -> Any:
    """Return what an action returns in a process of its own, or the type of what it raises."""
    # All that the child needs behind an action that poisons the interpreter.
    reader, writer = os.pipe()
    shown, write, leave = repr, os.write, os._exit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        try:
            signal.alarm(PATIENCE_S)
            value = action()
        except BaseException as error:
            value = error.__class__.__name__
        write(writer, b"%s" % shown(value).encode())
        leave(0)
    os.close(writer)
    with open(reader, "rb") as file:
        said = file.read()
    os.waitpid(child, 0)
    return ast.literal_eval(said.decode()) if said else None


@pytest.mark.parametrize("name", IMPORTS)
def test_an_import_is_refused(name: str) -> None:
    with pytest.raises((ImportError, AttributeError)):
        done(source_of(IMPORTS), name)


@pytest.mark.parametrize("name", IMPORTS_HERE)
def test_it_is_the_guard_that_refuses_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(modules, "forbidden_import", lambda _: None)

    assert done(source_of(IMPORTS), name)


@pytest.mark.parametrize("is_sealed", [True, False])
@pytest.mark.parametrize("name", SEALED_ON_CPYTHON)
def test_a_sealed_interpreter_refuses_what_any_other_gives(
    name: str, is_sealed: bool, tmp_path: Path
) -> None:
    def reach() -> Any:
        if is_sealed:
            seal_interpreter(str(tmp_path))
        return ["got", str(done(source_of(SEALED), name))]

    got = in_child(reach)

    assert isinstance(got, list) is not is_sealed, got


@pytest.mark.parametrize("is_guarded", [True, False])
@pytest.mark.parametrize("name", POISON)
def test_what_a_task_poisons_is_put_back(name: str, is_guarded: bool, tmp_path: Path) -> None:
    def poison() -> Any:
        home, work = tmp_path / "home", tmp_path / "work"
        for each in (home, work):
            each.mkdir()
            os.chdir(each)
        os.environ.update(HOME=str(home))
        os.environ.pop("TZ", None)
        sys.path.insert(0, "")
        if is_guarded:
            seal_interpreter(str(work))
        # The task loads them.
        for each in ("uuid", "colorsys"):
            sys.modules.pop(each, None)
        pristine, clear = Pristine(Context), clear_folder
        begun = entry(source_of(POISON), pristine.learn)(Context(), Activation(name))
        # Without a loop, which would be poisoned, too.
        with suppress(StopIteration):
            begun.send(None)
        if is_guarded:
            pristine.restore()
            clear(str(work))
        return done(FACTS)

    facts = in_child(poison)

    expected = {**TRUTH, "files": [], "environment": False, "folder": str(tmp_path / "work")}
    assert (facts == expected) is is_guarded, facts


def test_another_tasks_modules_are_found_only_while_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @contextmanager
    def kept(module: Any) -> Iterator[None]:
        sys.modules[module.__name__] = module
        yield

    keeper, name = "SECRET = 1\nasync def run(ctx, activation): ...", "another task's modules"
    done(keeper)
    with pytest.raises(RuntimeError):
        done(source_of(OTHERS), name)

    monkeypatch.setattr(modules, "_findable", kept)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    done(keeper)
    assert done(source_of(OTHERS), name).startswith("edge_tasks.")


@pytest.mark.parametrize("stateful", [False, True])
@pytest.mark.parametrize("name", [each for each in STATE if each != "a file"])
def test_only_a_stateful_task_keeps_what_it_knew(name: str, stateful: bool) -> None:
    async def play(stage: Stage) -> None:
        source = source_of(STATE).replace("**activation.ext_data", f'"probe": {name!r}')
        task = await stage.load(source, stateful=stateful)
        values = [(await stage.run(task, run_id)).value for run_id in "abc"]
        assert values == ([1, 2, 3] if stateful else [1, 1, 1])

    play_on(lambda: Stage(1), play)
