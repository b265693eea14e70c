"""`make` alone explains itself, and its tools say what they lack."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MAKEFILE = (ROOT / "Makefile").read_text()
VERBS = ["demo", "test", "check", "fix", "bench", "build", "serve", "setup"]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A make above this one (`make test`) must not pass its flags on.
    environment = {"PATH": "/usr/bin:/bin", "MAKEFLAGS": "", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, capture_output=True, text=True, env=environment, check=False
    )


def test_make_alone_lists_the_verbs() -> None:
    assert make().stdout == make("help").stdout
    assert all(f"make {verb} " in make("help").stdout for verb in VERBS)


def test_every_listed_verb_has_a_rule_and_is_phony() -> None:
    listed = re.findall(r"^  make (\w+) ", make("help").stdout, re.M)
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)

    assert phony and set(listed) <= set(phony[1].split())
    assert all(re.search(rf"^{verb}:", MAKEFILE, re.M) for verb in listed)


@pytest.mark.parametrize(
    ("setting", "tool"),
    [("PYTHON=no-such-python", "Python 3.11"), ("NODE=no-such-node", "Node 20")],
)
def test_a_tool_that_is_not_there_is_named(setting: str, tool: str) -> None:
    done = make("tools", "PYTHON=true", "NODE=true", setting)

    assert done.returncode != 0
    assert f"{tool} or newer is needed; '{setting.partition('=')[2]}' is:" in done.stderr
