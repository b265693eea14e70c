"""Models, SQL and other tasks that a task names are there."""

from pathlib import Path

import pytest

from web_runtime.pack import pack_task

from .task_folder import TOML, said, write_site, write_task

# Hundred values with each other, eight times over.
ENDLESS = ", ".join(f"json_each('{[1] * 100}') as {name}" for name in "abcdefgh")
VARIANT = {"url": "m.onnx", "sha256": "0" * 64}


def body(*lines: str) -> str:
    return "async def run(ctx, activation):\n" + "".join(f"    {line}\n" for line in lines)


def query_of(tmp_path: Path, *arguments: str) -> list[str]:
    return list(said(write_task(tmp_path, body(f"await ctx.query({', '.join(arguments)})"))))


@pytest.mark.parametrize(
    "arguments",
    [
        ['"select count(*) from events"'],
        ['"select id from events where ts > :since"', '{"since": 1}'],
        ['"select id from events where ts > :since limit :n"', "params"],
        ['"select id from events where ts > :since"', "**more"],
        ['"select json_extract(props, :path) x from events"', '{"path": "$.a"}'],
        ["\"select keys.key from keys, json_each(keys.value) as j where keys.key = 'a:b'\""],
        ['"with a as (select id from events) select a.id from a"'],
        [repr(f"select count(*) from {ENDLESS}")],
        ["sql=f'select {1}'"],
        ["made()"],
    ],
)
def test_a_query_that_the_store_would_run_is_left_alone(
    tmp_path: Path, arguments: list[str]
) -> None:
    assert query_of(tmp_path, *arguments) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (['"select * from evnts"'], "got no such table: evnts. Tables: events(rowid, id"),
        (['"select sku from events"'], "got no such column: sku"),
        (['"selec 1"'], "expected SQL that SQLite accepts"),
        (['"delete from events"'], "expected a read of the views events and keys"),
        (['"pragma user_version"'], "got not authorized"),
        (['"select * from sealed.events"'], "got 'sealed.events'"),
        (['"select * from sqlite_master"'], "expected a read of the views"),
        (['"select id, id from events"'], "expected distinct column names, got id twice"),
        (['"select 1; select 2"'], "one statement at a time"),
        (['"select id from events where ts > :since"'], "binding parameter :since"),
        (['"select id from events where ts > :since"', '{"until": 1}'], ":since"),
        (['"select id from " + "evnts"'], "no such table"),
    ],
)
def test_a_query_that_the_store_would_refuse_is_told(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    (found,) = query_of(tmp_path, *arguments)

    assert found.startswith("main.py:2:21: error: ctx.query: expected ")
    assert told in found and "keys(key, value, updated_ms, encrypted)" in found


def test_a_query_by_name_is_told_where_its_text_is(tmp_path: Path) -> None:
    main = 'SQL = "select 1 from nowhere"\n' + body("await ctx.query(SQL)")

    (found,) = said(write_task(tmp_path, main))

    assert found.startswith("main.py:1:7: error: ctx.query")


def test_a_query_of_another_file_is_told_where_it_is_used(tmp_path: Path) -> None:
    main = "from .texts import SQL as ASKED\n" + body("await ctx.query(ASKED)")

    (found,) = said(write_task(tmp_path, main, texts='SQL = "select 1 from nowhere"\n'))

    assert found.startswith("main.py:3:11: error: ctx.query")


@pytest.mark.parametrize(
    "main",
    [
        'async def run(c, activation):\n    await c.query("no")\n',
        'async def run(ctx, a): ...\nasync def f(c: Context):\n    await c.query("no")\n',
        "async def run(ctx, a): ...\nasync def f(c: 'task.Context'):\n    await c.query('no')\n",
    ],
)
def test_a_context_is_known_by_its_place_or_its_type(tmp_path: Path, main: str) -> None:
    (found,) = said(write_task(tmp_path, main))

    assert "ctx.query" in found


def test_what_others_call_query_is_not_ours(tmp_path: Path) -> None:
    assert said(write_task(tmp_path, body('self.ctx.query("no")', 'database.query("no")'))) == []


def test_a_model_has_to_be_listed(tmp_path: Path) -> None:
    main = body('await ctx.infer("ranker", {})', 'await ctx.release(model="other")')

    (found,) = said(write_task(tmp_path, main, toml='models = ["ranker"]\n'))

    assert found.startswith(
        "main.py:3:29: error: ctx.release: expected one of the task's models (ranker), got 'other'"
    )


def test_a_model_that_nothing_uses_is_remarked(tmp_path: Path) -> None:
    toml = 'models = ["ranker", "spare"]\n'

    (found,) = said(write_task(tmp_path, body('await ctx.infer("ranker", {})'), toml))

    assert found.startswith("task.toml:5:21: remark: models: expected a ctx.infer of 'spare'")
    assert said(write_task(tmp_path, body("await ctx.infer(name, {})"), toml)) == []


def test_a_model_is_looked_up_in_the_configuration(tmp_path: Path) -> None:
    site = write_site(tmp_path, models={"ranker": {"variants": [VARIANT]}})
    main = body('await ctx.infer("ranker", {})', 'await ctx.infer("other", {})')
    task = write_task(tmp_path / "task", main, 'models = ["ranker", "other"]\n')

    (found,) = said(task, site)

    assert found.startswith("task.toml:5:21: error: models: expected models of the configuration")


def test_another_task_is_looked_up_in_the_configurations_bundles(tmp_path: Path) -> None:
    other = write_task(tmp_path / "other")
    (other / "task.toml").write_text(TOML.replace("Echo", "Rank"))
    (tmp_path / "rank.edge").write_bytes(pack_task(other))
    main = body(*(f'await ctx.call("{name}")' for name in ("Rank", "Echo", "Gone")))
    task = write_task(tmp_path / "task", main)

    (found,) = said(task, write_site(tmp_path, bundles=["rank.edge"]))

    assert found.startswith("main.py:4:20: error: ctx.call: expected a task of the configuration's")
    assert "(Echo, Rank), got 'Gone'" in found
    # Who knows what is in a bundle that is not here.
    assert said(task, write_site(tmp_path, bundles=["rank.edge", "elsewhere.edge"])) == []
    assert said(task) == []
