"""The table of examples that is the semantics of triggers: it holds, and docs/triggers.md shows it.

``python -m tests.unit.edge_runtime.test_trigger_examples`` writes the table into the document.
"""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.pure.matcher import Matcher
from edge_runtime.services.store_tables import Tables

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "triggers.md"
EXAMPLES: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/triggers.json").read_text())
BEGIN_MS = 1_800_000_000_000
HEADING = "## Examples\n"


@pytest.mark.parametrize("example", EXAMPLES, ids=[each["says"] for each in EXAMPLES])
def test_an_example_holds(example: dict[str, Any]) -> None:
    tables = Tables()
    matcher = Matcher(parse_config({"triggers": example["triggers"]}).triggers)
    tables.watch(matcher.patterns)
    runs: list[list[str]] = []
    for row in example["events"]:
        for event in tables.add_batch(json.dumps([row[:7]])).matching:
            matches = matcher.match(event, row[7] if len(row) > 7 else event.ts)
            runs += [[event.id, match.task_name] for match in matches]

    assert runs == example["expect"]


def test_the_document_shows_these_examples() -> None:
    assert DOCUMENT.read_text().partition(HEADING)[2] == table()


def table() -> str:
    sections = groupby(EXAMPLES, lambda each: each["section"])
    return "".join(
        f"\n### {section}\n\n| rule | triggers | events, and what they run |\n|---|---|---|\n"
        + "".join(map(table_row, examples))
        for section, examples in sections
    )


def table_row(example: dict[str, Any]) -> str:
    triggers = "<br>".join(
        f"`{json.dumps(each, ensure_ascii=False)}`" for each in example["triggers"]
    )
    rows = example["events"]
    known = [each[0] for each in rows]
    is_timed = len({each[1] for each in rows}) > 1
    events = "<br>".join(
        happening(row, [] if row[0] in known[:index] else example["expect"], is_timed=is_timed)
        for index, row in enumerate(rows)
    )
    return f"| {example['says']} | {triggers} | {events} |\n"


def happening(row: list[Any], expect: list[list[str]], *, is_timed: bool) -> str:
    event_id, ts, kind, page, click_id, pv, props = row[:7]
    what = kind.partition(".")[2] or ("view" if pv else "click")
    parts = [f"{seconds(ts)} s"] if is_timed else []
    parts += [what, page if click_id is None else f"{page}/{click_id}"]
    parts += [json.dumps(props)] if props else []
    parts += [] if kind.startswith("mta") else [f"of type {kind}"]
    parts += [f"arrives at {seconds(row[7])} s"] if len(row) > 7 and row[7] != ts else []
    load = event_id.split("-")[1] if "-" in event_id else None
    parts += [f"id {event_id}"] if load is None else [f"in load {load}"] if load != "a" else []
    runs = [task for each, task in expect if each == event_id]
    return f"`{' '.join(parts)}`" + (f" **→ {', '.join(runs)}**" if runs else "")


def seconds(ts: float) -> str:
    return f"{(ts - BEGIN_MS) / 1_000:g}"


if __name__ == "__main__":
    before = DOCUMENT.read_text().partition(HEADING)[0]
    DOCUMENT.write_text(before + HEADING + table())
