"""The documents name what exists: verbs, calls, errors, settings, modules, files."""

import json
import re
from pathlib import Path

import pytest
from edge_runtime.errors import FAMILIES, NUMBERS
from edge_runtime.pure import statistics
from edge_runtime.types import Result, Timings, TriggerKind

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
DOCUMENTS = [
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("demo_h5/**/*.md")]
    if "dist" not in path.parts and "node_modules" not in path.parts
]

PUBLIC_CALLS = [
    "start", "consent", "infer", "track", "on", "get", "put", "delete", "flush", "erase",
    "statistics", "pause", "resume", "reconfigure", "reload", "trace", "stop", "router",
]  # fmt: skip
CONTEXT_CALLS = [
    "infer", "query", "get", "put", "delete", "call", "log", "resource", "decode_image",
    "fetch",
]  # fmt: skip


@pytest.mark.parametrize(
    "verb", re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.M)
)
def test_every_make_verb_is_documented(verb: str) -> None:
    assert f"make {verb}" in README + (ROOT / "CONTRIBUTING.md").read_text()


@pytest.mark.parametrize("call", PUBLIC_CALLS)
def test_every_public_call_is_documented(call: str) -> None:
    assert re.search(rf"`{call}\b", REFERENCE)


@pytest.mark.parametrize("call", CONTEXT_CALLS)
def test_every_call_of_a_task_is_documented(call: str) -> None:
    assert re.search(rf"`(?:await )?ctx\.{call}\(", REFERENCE)


@pytest.mark.parametrize(("code", "number"), NUMBERS.items())
def test_every_error_code_is_documented_with_its_number(code: str, number: int) -> None:
    family = FAMILIES[number // 1000].__name__
    assert re.search(rf"^\| {number} \| `{code}` \| {family} \|", REFERENCE, re.M)


def test_no_error_is_documented_that_does_not_exist() -> None:
    listed = dict(re.findall(r"^\| (\d{4}) \| `([a-z-]+)` \|", REFERENCE, re.M))
    assert {code: int(number) for number, code in listed.items()} == NUMBERS


def typedef(module: str, name: str) -> set[str]:
    """Return the properties of an object that a JavaScript module describes."""
    text = (ROOT / "js_shim" / module).read_text()
    match = re.search(rf"@typedef {{object}} {name}\b(.*?)\*/", text, re.S)
    assert match, name
    return set(re.findall(r"@property {.+} \[?(\w+)", match[1]))


@pytest.mark.parametrize("name", ["Queue", "Lane", "Breaker", "Model", "Vm"])
def test_the_pages_types_have_the_cores_statistics(name: str) -> None:
    core = getattr(statistics, f"{name}Statistics")
    assert typedef("statistics.js", f"{name}Statistics") == core.__required_keys__


def test_the_pages_statistics_are_the_cores_and_what_javascript_adds() -> None:
    added = {"role", "boot", "memory", "modelFiles", "page"}
    core = statistics.Statistics.__required_keys__
    assert typedef("statistics.js", "Statistics") == core | added


def test_the_pages_result_is_the_cores() -> None:
    times = Timings(0, 0, 0, 0)
    result = Result("Rank-e1", "Rank", None, TriggerKind.EVENT, times, {}, profile={}).to_dict()
    assert typedef("protocol.js", "RunResult") == set(result)
    assert typedef("protocol.js", "Timings") == set(result["timings"])


def test_every_setting_of_the_configuration_is_documented() -> None:
    schema = json.loads((ROOT / "web_runtime" / "schemas" / "config.schema.json").read_text())

    def names(node: object) -> set[str]:
        if isinstance(node, list):
            return set().union(*map(names, node)) if node else set()
        if not isinstance(node, dict):
            return set()
        own = set(node.get("properties", {}))
        return own.union(*(names(value) for value in node.values()))

    assert not [name for name in names(schema) if f"`{name}`" not in REFERENCE]


@pytest.mark.parametrize(
    "path",
    [
        *sorted((ROOT / "py" / "edge_runtime").rglob("*.py")),
        *sorted((ROOT / "js_shim").rglob("*.js")),
        *sorted(path for path in (ROOT / "web_runtime").rglob("*.py") if "dist" not in path.parts),
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_module_has_its_words_in_the_architecture(path: Path) -> None:
    if path.name != "__init__.py":
        assert re.search(rf"\b{re.escape(path.stem)}\b", ARCHITECTURE), path.stem


def test_the_architecture_fits_in_one_sitting() -> None:
    assert len(ARCHITECTURE.splitlines()) <= 150


def test_the_first_screen_of_the_readme_has_commands_picture_and_script_tag() -> None:
    first_screen = "\n".join(README.splitlines()[:45])

    for needed in ("make demo", "make test", "<script", "data-config", "docs/screenshots/"):
        assert needed in first_screen


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_local_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), target
