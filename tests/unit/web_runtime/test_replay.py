"""`web-runtime replay`: files in, tables or JSON out, and the same digest every time."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unit.edge_runtime.task_bundles import bundle
from web_runtime.cli import main
from web_runtime.errors import ToolError
from web_runtime.replay import load_replay, parse_speed

CONFIG = {
    "bundles": ["rank.edge", "https://elsewhere.test/warm.edge"],
    "triggers": [
        {"taskName": name, "events": [{"type": "mta", "pageId": "Home", "clickIds": [name]}]}
        for name in ("Rank", "Warm")
    ],
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    rows = [[f"e{n}", 1_700_000_000_000 + n, "mta", "Home", name, 0, {}] for n, name in CLICKS]
    records = [{"atMs": row[1] - rows[0][1], "kind": "track", "events": [row]} for row in rows]
    trace, config = tmp_path / "trace.jsonl", tmp_path / "config.json"
    trace.write_text("\n".join(map(json.dumps, records)))
    config.write_text(json.dumps(CONFIG))
    (tmp_path / "rank.edge").write_bytes(bundle("Rank", priority="core"))
    return trace, config


CLICKS = [(0, "Rank"), (3, "Warm"), (9, "Rank")]


def run(*arguments: object) -> tuple[int, str, str]:
    plain = CliRunner(env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"})
    result = plain.invoke(main, ["replay", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def replayed(trace: Path, config: Path, *more: object) -> dict[str, Any]:
    code, out, _ = run(trace, "--config", config, "--json", *more)
    assert code == 0
    plain: dict[str, Any] = json.loads(out)
    return plain


def test_it_prints_tasks_queues_and_the_digest(files: tuple[Path, Path]) -> None:
    trace, config = files

    code, out, err = run(trace, "--config", config)

    assert (code, err) == (0, "")
    assert "Rank" in out and "2 ok" in out and "wait p50" in out
    assert f"decisions: {replayed(trace, config)['sha256']}" in out


def test_the_digest_repeats_and_other_durations_change_it(files: tuple[Path, Path]) -> None:
    first = replayed(*files)

    assert replayed(*files, "--seed", 5) == first
    assert replayed(*files, "--default-run-ms", 50)["sha256"] != first["sha256"]


def test_a_bundle_beside_the_configuration_describes_its_task(files: tuple[Path, Path]) -> None:
    queues = replayed(*files)["queues"]

    assert (queues["core"]["activations"], queues["regular"]["activations"]) == (2, 1)


def test_the_decisions_can_be_kept(files: tuple[Path, Path], tmp_path: Path) -> None:
    run(files[0], "--config", files[1], "--decisions", tmp_path / "decisions.txt")

    lines = (tmp_path / "decisions.txt").read_text().splitlines()
    assert lines[1].startswith("0.000 activation Rank Rank-e0 queue=core")


def test_a_wrong_trace_or_configuration_is_told(files: tuple[Path, Path], tmp_path: Path) -> None:
    trace, config = files
    trace.write_text('{"kind": "pause"}')
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{")

    assert run(trace, "--config", config)[0::2] == (
        1,
        "web-runtime: trace line 1, atMs: expected milliseconds from 0 to 315532800000 (ten years),"
        " got null. Correct the trace.\n",
    )
    assert "wrong.json: expected JSON" in run(trace, "--config", wrong)[2]
    wrong.write_text('{"scheduler": {"ageingMs": NaN}}')
    told = "config at scheduler.ageingMs: expected a finite number, got NaN (number)."
    assert told in run(trace, "--config", wrong)[2]
    assert "none.jsonl: expected a text file" in run("none.jsonl", "--config", config)[2]


@pytest.mark.parametrize("content", [b'{"kind": "\xff"}', b"", b"\xef\xbb\xbf", b"[" * 3_000])
def test_what_is_no_file_of_text_with_lines_is_told(
    files: tuple[Path, Path], content: bytes
) -> None:
    for path in files:
        before = path.read_bytes()
        path.write_bytes(content)
        code, _, err = run(files[0], "--config", files[1])
        path.write_bytes(before)

        assert code == 1 and err.startswith("web-runtime: ") and ": expected " in err
        assert "Traceback" not in err


def test_a_byte_order_mark_is_no_mistake(files: tuple[Path, Path]) -> None:
    plain = replayed(*files)
    for path in files:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert replayed(*files) == plain


def test_what_lies_beside_under_an_impossible_address_is_left_out(
    files: tuple[Path, Path],
) -> None:
    bundles = ["x" * 300 + ".edge", "a\0b", ".", *CONFIG["bundles"]]
    files[1].write_text(json.dumps({**CONFIG, "bundles": bundles}))

    assert replayed(*files)["queues"]["core"]["activations"] == 2


def test_a_damaged_bundle_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "rank.edge").write_bytes(b"PK")

    code, _, err = run(files[0], "--config", files[1])

    assert code == 1 and "rank.edge: bundle: expected a file that begins with EDGE" in err


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e15"])
def test_a_default_duration_is_finite(files: tuple[Path, Path], value: str) -> None:
    code, _, err = run(files[0], "--config", files[1], "--default-run-ms", value)

    assert code == 1 and "--default-run-ms: expected milliseconds from 0 to " in err


def test_decisions_that_cannot_be_written_are_told(files: tuple[Path, Path]) -> None:
    code, _, err = run(files[0], "--config", files[1], "--decisions", files[0] / "d.txt")

    assert code == 1 and "d.txt: expected to write " in err


@pytest.mark.parametrize("text", ["fast", "0", "-1", "nan", "1e-300"])
def test_a_speed_is_max_or_a_number(text: str) -> None:
    assert parse_speed("max") == float("inf") and parse_speed("2.5") == 2.5
    with pytest.raises(ToolError, match=r"expected max or a number from 0\.1 up"):
        parse_speed(text)


def test_steps_come_with_their_times_for_who_wants_to_wait(files: tuple[Path, Path]) -> None:
    assert list(load_replay(*files).steps()) == [0, 3, 9]
