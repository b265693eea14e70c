"""A task on the real core with every port in memory, as authors' tests use it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.errors import ConfigError, EdgeError, TaskError
from edge_runtime.tensor import Tensor
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.fake_inference import FakeModel
from edge_runtime.types import TensorSpec

from web_runtime.authoring.stage import Stage
from web_runtime.pack import pack_task

from .task_folder import TOML, write_task

VIEW = {"taskName": "Echo", "events": [{"type": "mta", "pageId": "Home", "needPv": True}]}
EVENT_ID = "async def run(ctx, activation):\n    return activation.event.id\n"


def on_stage(stage: Stage, story: Callable[[Stage], Awaitable[Any]]) -> Any:
    async def play() -> Any:
        async with stage:
            return await story(stage)

    return asyncio.run(play())


def test_a_call_returns_the_value_or_raises_the_error(tmp_path: Path) -> None:
    task = write_task(tmp_path, "async def run(ctx, a):\n    return 1 / a.ext_data['by']\n")

    async def story(stage: Stage) -> None:
        assert await stage.infer({"by": 4}) == 0.25
        with pytest.raises(TaskError, match="ZeroDivisionError"):
            await stage.infer({"by": 0})
        assert [(await stage.call({"by": 1})).run_id for _ in "ab"] == ["run-3", "run-4"]

    on_stage(Stage(task, create_fake_host()), story)


def test_events_start_the_runs_of_the_configurations_triggers(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        runs = await stage.track({"pageId": "Home"}, {"pageId": "Item"}, {"pageId": "Home"})

        assert [(run.run_id, run.value) for run in runs] == [("Echo-e1", "e1"), ("Echo-e3", "e3")]
        assert await stage.track({"pageId": "Home", "clickId": "item"}) == []
        (run,) = await stage.track({"pageId": "Home", "id": "mine"})
        assert run.value == "mine"

    stage = Stage(write_task(tmp_path, EVENT_ID), create_fake_host(), {"triggers": [VIEW]})
    on_stage(stage, story)


def test_a_run_of_an_event_that_fails_is_told(tmp_path: Path) -> None:
    task = write_task(tmp_path, "async def run(ctx, activation):\n    raise KeyError('x')\n")

    async def story(stage: Stage) -> None:
        (run,) = await stage.track({"pageId": "Home"})
        assert run.error is not None and run.error.code == "task-raised"
        assert "traceback" in run.error.details
        assert run.to_dict()["error"]["details"] == {"taskName": "Echo"}

    on_stage(Stage(task, create_fake_host(), {"triggers": [VIEW]}), story)


def test_an_event_that_a_page_could_not_send_is_refused(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        with pytest.raises(ConfigError, match=r"event\.pageId: expected text"):
            await stage.track({"type": "mta"})

    on_stage(Stage(write_task(tmp_path), create_fake_host()), story)


def test_many_failures_do_not_open_a_breaker(tmp_path: Path) -> None:
    task = write_task(tmp_path, "async def run(ctx, activation):\n    raise KeyError('x')\n")

    async def story(stage: Stage) -> set[str]:
        return {str((await stage.call({})).error.code) for _ in range(40)}  # type: ignore[union-attr]

    assert on_stage(Stage(task, create_fake_host()), story) == {"task-raised"}


def test_a_task_that_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    stage = Stage(write_task(tmp_path, "x = 1 / 0\n"), create_fake_host())

    with pytest.raises(EdgeError, match=r"Echo/main\.py line 1: .*ZeroDivisionError"):
        on_stage(stage, lambda stage: stage.infer())


def test_other_tasks_come_from_the_configuration_and_its_own_bundle_gives_way(
    tmp_path: Path,
) -> None:
    host, base = create_fake_host(), "https://shop.test/"
    other = write_task(tmp_path / "other", "async def run(ctx, a):\n    return 'other'\n")
    (other / "task.toml").write_text(TOML.replace("Echo", "Other").replace("echo", "other"))
    main = "async def run(ctx, a):\n    return ['{}', await ctx.call('Other')]\n"
    task = write_task(tmp_path / "task", main.format("old"))
    host.network.files |= {
        f"{base}other.edge": pack_task(other),
        f"{base}echo.edge": pack_task(task),
    }
    write_task(task, main.format("new"))
    config = {"bundles": ["other.edge", "echo.edge", "gone.edge"]}

    async def story(stage: Stage) -> None:
        assert await stage.infer() == ["new", "other"]
        assert [problem.code for problem in stage.problems] == ["network-failed"]

    on_stage(Stage(task, host, config, base_url=f"{base}config.json"), story)


def test_models_come_from_the_configuration(tmp_path: Path) -> None:
    host = create_fake_host()
    spec = TensorSpec("x", "float32", (1,))
    model = FakeModel((spec,), (spec,), lambda feeds: {"x": Tensor.float32([7.0])})
    data = host.inference.define(b"a model", model)
    host.network.files["https://task.test/m.onnx"] = data
    sha256 = hashlib.sha256(data).hexdigest()
    main = (
        "from edge_runtime.task import Tensor\n"
        "async def run(ctx, a):\n"
        "    return (await ctx.infer('m', {'x': Tensor.float32([1.0])}))['x'].tolist()\n"
    )
    task = write_task(tmp_path, main, toml='models = ["m"]\n')
    config = {"models": {"m": {"variants": [{"url": "m.onnx", "sha256": sha256}]}}}

    assert on_stage(Stage(task, host, config), lambda stage: stage.infer()) == [7.0]


def test_log_lines_are_heard(tmp_path: Path) -> None:
    heard: list[tuple[str, Any]] = []
    task = write_task(tmp_path, "async def run(ctx, a):\n    ctx.log('hello')\n")
    stage = Stage(task, create_fake_host(), on_notice=lambda name, body: heard.append((name, body)))

    on_stage(stage, lambda stage: stage.infer())

    assert [body["message"] for name, body in heard if name == "log"] == ["hello"]
