"""Failures of a task, told in the task's own lines."""

import json
import linecache
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from edge_runtime.errors import ConfigError, EdgeError, TaskError
from edge_runtime.pure.task_failure import task_failure

FILENAME = "Rank/main.py"
SOURCE = """
def divide(call):
    return call(lambda: 1 / 0)

def chained(call):
    try:
        divide(call)
    except ZeroDivisionError as error:
        raise ValueError("no scores") from error

def deep(call):
    return deep(call)

def group(call):
    raise ExceptionGroup("several", [ValueError("one")])

class Odd(Exception):
    def __str__(self):
        raise RuntimeError("no text")

def odd(call):
    raise Odd

def noted(call):
    error = KeyError("sku")
    error.add_note("while ranking")
    raise error

def leave(call):
    raise SystemExit(3)
"""


def call_library(function: Callable[[], Any]) -> Any:
    return function()


@pytest.fixture
def task() -> Iterator[dict[str, Any]]:
    linecache.cache[FILENAME] = (len(SOURCE), None, SOURCE.splitlines(True), FILENAME)
    names: dict[str, Any] = {"__name__": "rank"}
    exec(compile(SOURCE, FILENAME, "exec"), names)
    yield names
    del linecache.cache[FILENAME]


def failure(function: Callable[..., Any]) -> EdgeError:
    try:
        function(call_library)
    except BaseException as error:
        return task_failure("Rank", error, {FILENAME})
    raise AssertionError("it did not fail")


def test_only_the_tasks_own_lines_are_shown(task: dict[str, Any]) -> None:
    error = failure(task["divide"])

    assert isinstance(error, TaskError) and error.code == "task-raised"
    text = error.details["traceback"]
    assert 'File "Rank/main.py", line 3, in divide\n    return call(lambda: 1 / 0)\n' in text
    assert text.endswith("ZeroDivisionError: division by zero\n")
    assert __file__ not in text


def test_the_message_names_place_and_error(task: dict[str, Any]) -> None:
    assert failure(task["divide"]).message == (
        "task Rank, Rank/main.py line 3: expected a return value, got ZeroDivisionError: division "
        "by zero. Its traceback is in details."
    )


def test_a_chain_of_errors_is_shown_whole(task: dict[str, Any]) -> None:
    text = failure(task["chained"]).details["traceback"]

    assert text.count("Traceback (most recent call last)") == 2
    assert "ZeroDivisionError" in text and text.endswith("ValueError: no scores\n")
    assert __file__ not in text


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("deep", "RecursionError: maximum recursion depth exceeded"),
        ("group", "ExceptionGroup: several (1 sub-exception)"),
        ("odd", "rank.Odd: <exception str() failed>"),
        ("noted", "KeyError: 'sku'. Its"),
        ("leave", "SystemExit: 3"),
    ],
)
def test_strange_errors_are_told_too(task: dict[str, Any], name: str, summary: str) -> None:
    error = failure(task[name])

    assert f"got {summary}" in error.message
    assert len(error.details["traceback"]) < 20_000


def test_a_syntax_error_names_its_line() -> None:
    error = failure(lambda _: compile("x = 1\ny = (", FILENAME, "exec"))

    assert error.message.startswith("task Rank, Rank/main.py line 2: ")
    assert "y = (" in error.details["traceback"]


def test_an_error_of_the_runtime_keeps_its_code_and_gains_the_traceback() -> None:
    original = ConfigError("model-unknown", "no such model", {"model": "ranker"})

    def fail(_: object) -> None:
        raise original

    error = failure(fail)

    assert (type(error), error.code, error.message) == (
        ConfigError,
        "model-unknown",
        "no such model",
    )
    assert error.details["model"] == "ranker" and error.details["taskName"] == "Rank"
    assert original.details == {"model": "ranker"}


def test_details_that_cannot_cross_a_border_are_dropped() -> None:
    def fail(_: object) -> None:
        raise TaskError("task-raised", "mine", {"odd": object()})

    json.dumps(failure(fail).to_dict())


def test_a_long_traceback_is_cut(task: dict[str, Any]) -> None:
    def fail(_: object) -> None:
        raise ValueError("x" * 100_000)

    error = failure(fail)

    assert len(error.message) < 1_000 and len(error.details["traceback"]) < 20_000
