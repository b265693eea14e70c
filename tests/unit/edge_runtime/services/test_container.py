"""Tasks in their container: what they can do, and what of them gets out."""

import asyncio
import json
import re
import textwrap

import pytest
from edge_runtime.errors import (
    ConfigError,
    EdgeError,
    HostError,
    RefusedError,
    TaskError,
    TrustError,
)
from edge_runtime.pure.egress import Request
from edge_runtime.pure.log_lines import LOG_CHARS
from edge_runtime.services.container_context import RunContext
from edge_runtime.task import Context
from edge_runtime.testing.manual_clock import START_MS
from edge_runtime.types import Backend, Response

from .container_stage import ACTIVATION, Lease, Stage, in_both, on_stage, play_on, task_modules


@on_stage
async def test_a_task_sees_why_it_runs_and_until_when(stage: Stage) -> None:
    value = await stage.value(
        "event = activation.event\n"
        "return [activation.run_id, event.page_id, event.props['sku'], ctx.deadline_ms]"
    )

    assert value == ["r1", "Home", 7, START_MS + 100]


@on_stage
async def test_a_run_tells_what_its_inference_cost_and_where_it_ran(stage: Stage) -> None:
    task = await stage.load(
        "from edge_runtime.task import Tensor\n"
        "async def run(ctx, activation):\n"
        "    first = await ctx.infer('m', {'x': Tensor.int64([1, 2])})\n"
        "    second = await ctx.infer('m', {'x': first['y']})\n"
        "    return second['y'].tolist()\n",
        models=["m"],
    )

    completion = await stage.run(task)

    assert completion.value == [1, 2]
    assert (completion.infer_ms, completion.backends) == (3.0, {"m": Backend("wasm")})


@on_stage
async def test_a_model_that_the_manifest_does_not_list_is_refused(stage: Stage) -> None:
    error = await stage.error("await ctx.infer('other', {})", models=["m"])

    assert isinstance(error, ConfigError) and error.code == "model-unknown"
    assert "expected one of the task's models (m), got 'other'" in error.message
    assert 'File "Rank/main.py", line 2' in error.details["traceback"]


@on_stage
async def test_a_task_reads_and_writes_data(stage: Stage) -> None:
    value = await stage.value(
        "await ctx.put('a', 1)\n"
        "await ctx.put('b', 2, encrypted=False)\n"
        "await ctx.put('c', 3)\n"
        "await ctx.delete('c')\n"
        "rows = await ctx.query('select :x', {'x': 1})\n"
        "return [await ctx.get('a'), await ctx.get('b'), await ctx.get('c'), rows]"
    )

    row = {"sql": "select :x", "params": {"x": 1}, "deadline": START_MS + 100}
    assert value == [[1, None], [2, False], None, [row]]


@pytest.mark.parametrize("write", ["put('edge.versions', {})", "delete('edge.versions')"])
def test_a_task_reads_what_the_runtime_remembers_and_writes_none_of_it(write: str) -> None:
    async def play(stage: Stage) -> None:
        stage.data.values["edge.versions"] = {"Rank": "2.0"}

        assert await stage.value("return await ctx.get('edge.versions')") == {"Rank": "2.0"}
        error = await stage.error(f"await ctx.{write}")

        assert error.code == "argument-invalid" and '"edge.versions"' in error.message
        assert stage.data.values == {"edge.versions": {"Rank": "2.0"}}

    in_both(play)


@on_stage
async def test_log_lines_name_their_run_and_are_bounded(stage: Stage) -> None:
    await stage.value("ctx.log('slow', 'warning')\nctx.log('x' * 5_000)")

    first, second = stage.host.page.named("log")
    assert first == {"level": "warning", "message": "slow", "taskName": "Rank", "runId": "r1"}
    assert (second["level"], len(second["message"])) == ("info", LOG_CHARS + 1)


@on_stage
async def test_an_unknown_log_level_is_refused(stage: Stage) -> None:
    error = await stage.error("ctx.log('x', 'loud')")

    assert error.message == (
        "ctx.log level: expected one of debug, info, warning, error, got 'loud'."
    )


@on_stage
async def test_resources_are_files_of_the_bundle(stage: Stage) -> None:
    files = {
        "main.py": "async def run(ctx, activation): return ctx.resource(activation.event.page_id)",
        "Home": "words",
    }
    task = await stage.load(files)

    assert (await stage.run(task)).value == b"words"
    error = await stage.error("ctx.resource('absent')")
    assert "expected one of the task's files (main.py), got 'absent'" in error.message


@on_stage
async def test_pictures_are_decoded_by_the_host(stage: Stage) -> None:
    value = await stage.value(
        "picture = await ctx.decode_image(b'P6 1 1 255 abc', width_px=1, height_px=1)\n"
        "return [picture.shape, bytes(picture.data)]"
    )

    assert value == [[1, 1, 3], b"abc"]


@on_stage
async def test_a_part_that_is_none_is_refused(stage: Stage) -> None:
    for part, told in (
        ("crop=(0.5, 0, 0.5, 1)", r"shares of the picture, 0 to 1, got \(0\.5, 0, 0\.5, 1\)"),
        ("crop=(-0.1, 0, 1, 1)", "ctx.decode_image crop: expected left, top"),
        ("crop=(0, 0, 1, 1.5)", "ctx.decode_image crop: expected left, top"),
        ("crop=(0, -1, 1, 1)", "ctx.decode_image crop: expected left, top"),
        ("fit='fill'", "ctx.decode_image fit: expected cover or contain, got 'fill'"),
    ):
        error = await stage.error(f"await ctx.decode_image(b'', width_px=1, height_px=1, {part})")
        assert error.code == "argument-invalid" and re.search(told, error.message), error


@on_stage
async def test_an_error_tells_the_tasks_own_lines_across_its_files(stage: Stage) -> None:
    task = await stage.load(
        {
            "main.py": "from .features import width\n"
            "async def run(ctx, activation):\n"
            "    return width(0)\n",
            "features.py": "def width(n):\n    return 1 / n\n",
        }
    )

    with pytest.raises(TaskError) as raised:
        await stage.run(task)

    text = raised.value.details["traceback"]
    lines = [line for line in text.splitlines() if "^" not in line and "~" not in line]
    assert lines == [
        "Traceback (most recent call last):",
        '  File "Rank/main.py", line 3, in run',
        "    return width(0)",
        '  File "Rank/features.py", line 2, in width',
        "    return 1 / n",
        "ZeroDivisionError: division by zero",
    ]
    assert task.runs == 1


@pytest.mark.parametrize(
    "body",
    [
        "raise SystemExit(3)",
        "raise KeyboardInterrupt",
        "raise GeneratorExit",
        "import asyncio\nawait asyncio.sleep(0)\nraise GeneratorExit",
        "import asyncio\nraise asyncio.CancelledError",
        "import asyncio\nt = asyncio.ensure_future(asyncio.sleep(9))\nt.cancel()\nawait t",
        "class Own(BaseException): ...\nraise Own",
        "def deep(): return deep()\ndeep()",
        "exec('syntax error')",
    ],
)
def test_nothing_a_task_raises_escapes(body: str) -> None:
    async def play(stage: Stage) -> None:
        error = await stage.error(body)
        assert error.code == "task-raised"
        json.dumps(error.to_dict())

    in_both(play)


@on_stage
async def test_a_cancelled_run_is_cancelled_not_raised(stage: Stage) -> None:
    task = await stage.load(
        "import asyncio\nasync def run(ctx, activation): await asyncio.Event().wait()"
    )
    running = asyncio.create_task(stage.container.run(task, ACTIVATION, Lease()))
    await asyncio.sleep(0)

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running


@on_stage
async def test_an_output_that_cannot_be_sent_is_refused_at_its_place(stage: Stage) -> None:
    error = await stage.error("return {'order': [1, 2, 3, {4}]}")

    assert error.code == "task-output-invalid"
    assert error.message.startswith("task Rank, value.order[3]: expected JSON-able data")


@on_stage
async def test_packages_are_loaded_before_the_code(stage: Stage) -> None:
    stage.host.interpreter.available.add("numpy")

    await stage.value("return None", packages=[{"name": "numpy"}])

    assert stage.host.interpreter.installed == ["numpy"]


@on_stage
async def test_a_missing_package_keeps_the_task_out(stage: Stage) -> None:
    error = await stage.error("return None", packages=[{"name": "numpy"}])

    assert isinstance(error, HostError) and error.code == "feature-missing"


@pytest.mark.parametrize(
    ("source", "summary"),
    [
        ("raise SystemExit", "Rank/main.py line 1: expected a return value, got SystemExit"),
        ("x = {}['sku']", "Rank/main.py line 1: expected a return value, got KeyError: 'sku'"),
        ("import absent_package", "got ModuleNotFoundError: No module named 'absent_package'"),
        ("x = 1\nasync def run(", "Rank/main.py line 2: expected a return value, got SyntaxError"),
    ],
)
def test_code_that_cannot_be_imported_says_why_and_leaves_nothing(
    source: str, summary: str
) -> None:
    async def play(stage: Stage) -> None:
        before = task_modules()
        with pytest.raises(TaskError) as raised:
            await stage.run(await stage.load(source))
        assert raised.value.code == "task-raised"
        assert summary in raised.value.message
        assert task_modules() == before

    in_both(play)


@on_stage
async def test_an_entry_that_is_no_task_is_refused(stage: Stage) -> None:
    with pytest.raises(TrustError) as refused:
        await stage.run(await stage.load("def run(ctx, activation): ..."))

    assert refused.value.message == (
        "task Rank, entry main:run: expected async def run(ctx, activation), got run, which is no "
        "async function. Correct the entry in task.toml or the code, and pack again."
    )


@on_stage
async def test_a_task_calls_another_by_its_lease(stage: Stage) -> None:
    value = await stage.value("return [await ctx.call('Other', {'n': 1}), await ctx.call('Other')]")

    assert value == [["Other", {"n": 1}], ["Other", {}]]


@pytest.mark.parametrize(
    "effect",
    [
        "await ctx.put('k', 1)",
        "await ctx.delete('k')",
        "await ctx.call('Other')",
        "await ctx.infer('m', {})",
        "await ctx.query('select 1')",
        "await ctx.decode_image(b'', width_px=1, height_px=1)",
    ],
)
def test_a_run_that_has_ended_has_no_effects(effect: str) -> None:
    async def play(stage: Stage) -> None:
        lease = Lease()
        lease.has_ended = True
        task = await stage.load(f"async def run(ctx, activation):\n    {effect}\n", models=["m"])
        with pytest.raises(EdgeError) as refused:
            await stage.container.run(task, ACTIVATION, lease)
        assert refused.value.code == "run-ended"
        assert stage.data.values == {}
        assert stage.host.page.named("log") == []

    in_both(play)


@on_stage
async def test_a_task_fetches_below_its_egress_only(stage: Stage) -> None:
    def rates(request: Request) -> Response:
        assert request.headers == {"x-day": "1"} and request.body == b"EUR"
        return Response(201, {"content-type": "application/json"}, b"[1.5]")

    stage.host.network.servers["https://api.test/rates"] = rates
    body = (
        "got = await ctx.fetch('https://api.test/rates', method='POST', body=b'EUR',\n"
        "    headers={'X-Day': '1'}, timeout_ms=50)\n"
        "return [got.status, got.headers['content-type'], got.json()]"
    )

    value = await stage.value(body, egress=["https://api.test/"])
    assert value == [201, "application/json", [1.5]]
    error = await stage.error(body)
    assert (error.code, error.details["url"]) == ("egress-refused", "https://api.test/rates")


@on_stage
async def test_a_request_that_nobody_waits_for_ends_with_its_run(stage: Stage) -> None:
    stage.host.network.files["https://api.test/"] = b""
    stage.host.network.delays_ms["https://api.test/"] = 50
    body = (
        "import asyncio\n"
        "asyncio.ensure_future(ctx.fetch('https://api.test/'))\n"
        "await asyncio.sleep(0.01)"
    )

    await stage.value("return 1")
    before = stage.host.clock.sleepers
    await stage.value(body, egress=["https://api.test/"])
    await stage.host.clock.advance(0)

    assert stage.host.network.sent and stage.host.clock.sleepers == before


@on_stage
async def test_a_run_that_has_ended_fetches_nothing(stage: Stage) -> None:
    task = await stage.load("async def run(ctx, activation): ...", egress=["https://api.test/"])
    stage.host.network.files["https://api.test/"] = b""
    stage.host.network.delays_ms["https://api.test/"] = 50
    lease = Lease()
    context = RunContext(task.bundle, ACTIVATION, stage.around, lease)

    early = asyncio.ensure_future(context.fetch("https://api.test/"))
    await stage.host.clock.advance(0)
    lease.has_ended = True
    await stage.host.clock.advance(50)
    for fetching in (early, context.fetch("https://api.test/")):
        with pytest.raises(RefusedError, match="the run has ended"):
            await fetching
    assert len(stage.host.network.sent) == 1


@on_stage
async def test_what_tasks_get_is_what_task_authors_are_promised(stage: Stage) -> None:
    task = await stage.load("async def run(ctx, activation): ...")
    context: Context = RunContext(task.bundle, ACTIVATION, stage.around, Lease())

    promised = {name for name in dir(Context) if not name.startswith("_")}
    assert promised <= set(dir(context))


def test_the_page_hears_whose_code_runs_beside_the_core_until_when_and_that_it_ended() -> None:
    async def play(stage: Stage) -> None:
        task = await stage.load(
            "import asyncio\n"
            "async def run(ctx, activation):\n"
            "    await asyncio.sleep(0)\n"
            "    await asyncio.sleep(0)\n"
        )
        watched = stage.host.page.watched

        await stage.run(task)
        alone = [(run_id, name, asker, left is None) for run_id, name, asker, left in watched]
        assert alone == [("r1", "Rank", 7, False), ("r1", "Rank", None, True)]
        assert watched[0][3] == pytest.approx(100, abs=50)

        watched.clear()
        await asyncio.gather(stage.run(task, "r2"), stage.run(task, "r3"))
        began = [run_id for run_id, _, _, left in watched if left is not None]
        # The last step of r3 it takes alone.
        assert began == ["r2", "r3", "r2", "r3", "r2"]
        assert [run_id for run_id, *_, left in watched if left is None] == ["r2", "r3"]

    play_on(Stage, play)


def test_of_a_run_in_a_vm_the_page_hears_nothing() -> None:
    async def play(stage: Stage) -> None:
        await stage.value("return 1")
        assert stage.host.page.watched == []

    play_on(lambda: Stage(1), play)


@pytest.mark.parametrize("vms", [0, 1])
def test_the_library_is_put_back_only_where_nobody_else_uses_it(
    vms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    replacement = textwrap.dedent

    async def change_and_switch(stage: Stage) -> None:
        first = await stage.load(
            "async def run(ctx, activation):\n    import textwrap\n    return textwrap.fill('a')\n"
        )
        second = await stage.load("async def run(ctx, activation):\n    return 2\n")
        await stage.run(first)
        monkeypatch.setattr(textwrap, "fill", replacement)
        await stage.run(second)
        assert (textwrap.fill is replacement) is stage.host.interpreter.is_shared

    play_on(lambda: Stage(vms), change_and_switch)
    monkeypatch.undo()
    play_on(lambda: Stage(vms, is_shared=False), change_and_switch)
