"""The shape of the code base, as a test: who may import whom, and who may touch the outside."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "py" / "edge_runtime"
SHIM = ROOT / "js_shim"

# Lowest first; a module imports from its own group only where SAME_GROUP says so.
LAYERS = (
    ("errors",),
    ("tensor", "types", "schema"),
    ("config_breaker", "config_container", "config_models", "config_where"),
    ("config_triggers",),
    ("config",),
    ("pure", "host.ports"),
    ("model_files", "bundle_writer", "signatures"),
    ("task",),
    ("guest",),
    ("services",),
    ("run_answers", "run_reports", "run_task"),
    ("run_events",),
    ("runs",),
    ("deployment",),
    ("runtime",),
    ("host",),
    ("testing",),
)
SAME_GROUP = {"guest", "pure", "host.ports", "host", "testing"}
PURE_FORBIDDEN = {
    "asyncio",
    "time",
    "datetime",
    "random",
    "secrets",
    "os",
    "socket",
    "sqlite3",
    "pathlib",
}
JS_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
JS_IMPORT = re.compile(
    r"""^(?:import|export)\b(?:[^"';]*\bfrom)?\s*["']([^"']+)["']|\bimport\(["']([^"']+)["']""",
    re.M,
)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(CORE.rglob("*.py")):
        name = ".".join(path.relative_to(CORE).with_suffix("").parts)
        yield name.removesuffix(".__init__") if name != "__init__" else "", path


def group_of(module: str) -> str:
    known = [group for layer in LAYERS for group in layer]
    matching = [group for group in known if module == group or module.startswith(group + ".")]
    return max(matching, key=len, default="")


def rank_of(group: str) -> int:
    return next(rank for rank, layer in enumerate(LAYERS) if group in layer)


def imported_modules(module: str, path: Path, tree: ast.AST) -> Iterator[str]:
    """Yield our own modules that ``module`` imports, as dotted names below edge_runtime."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            target = base + (node.module.split(".") if node.module else [])
            if node.module:
                yield ".".join(target)
            else:
                yield from (".".join([*target, alias.name]) for alias in node.names)


def outside_imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


MODULES = [pytest.param(name, path, id=name or "edge_runtime") for name, path in modules()]


@pytest.mark.parametrize(("module", "path"), MODULES)
def test_python_imports_point_down_only(module: str, path: Path) -> None:
    group, tree = group_of(module), ast.parse(path.read_text())

    assert "edge_runtime" not in outside_imports(tree), f"{module}: import by relative names"
    for target in imported_modules(module, path, tree):
        other = group_of(target)
        assert group and other, f"{module or 'edge_runtime'} imports {target}: give both a layer"
        if other == group and (group in SAME_GROUP or same_service(module, target)):
            continue
        assert rank_of(other) < rank_of(group), f"{module} imports {target}, which is not below it"


def same_service(module: str, target: str) -> bool:
    """Say whether both are parts of one service: store → store_replay → store_log."""
    return target.startswith(module.partition("_")[0] + "_")


@pytest.mark.parametrize(("module", "path"), MODULES)
def test_nothing_is_imported_inside_a_function(module: str, path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
            assert not inner, f"{module}.{node.name} imports at line {inner[0].lineno}"


@pytest.mark.parametrize(
    ("module", "path"), [param for param in MODULES if str(param.values[0]).startswith("pure")]
)
def test_pure_modules_wait_for_nothing_and_read_no_clock(module: str, path: Path) -> None:
    tree = ast.parse(path.read_text())

    waiting = [n for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef | ast.Await)]
    assert not waiting, f"{module} waits at line {waiting[0].lineno}"
    assert not PURE_FORBIDDEN & set(outside_imports(tree)), module


@pytest.mark.parametrize(("module", "path"), MODULES)
def test_only_the_browser_host_imports_the_browser(module: str, path: Path) -> None:
    outside = set(outside_imports(ast.parse(path.read_text())))

    if not module.startswith("host.browser"):
        assert not outside & {"js", "pyodide", "pyodide_js"}, module


def test_there_is_no_import_cycle() -> None:
    edges = {
        name: {t for t in imported_modules(name, path, ast.parse(path.read_text())) if t != name}
        for name, path in modules()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for target in edges.get(name, ()):
                visit(target, (*path, name))
            done.add(name)

    for name in edges:
        visit(name, ())


SHIM_FILES = sorted(SHIM.rglob("*.js"))


def js_imports(path: Path) -> list[str]:
    code = JS_COMMENT.sub("", path.read_text())
    return [static or dynamic for static, dynamic in JS_IMPORT.findall(code)]


@pytest.mark.parametrize("path", SHIM_FILES, ids=lambda p: str(p.relative_to(SHIM)))
def test_only_the_inference_worker_knows_onnxruntime(path: Path) -> None:
    imports = js_imports(path)

    if path.name not in {"inference-worker.js", "ort-loader.js"}:
        assert not [name for name in imports if "onnxruntime" in name]


@pytest.mark.parametrize("path", SHIM_FILES, ids=lambda p: str(p.relative_to(SHIM)))
def test_shim_imports_are_relative_or_the_few_libraries(path: Path) -> None:
    is_inspector = path.parent.name == "inspector"
    for name in js_imports(path):
        assert (
            name.startswith(".")
            or name in {"@noble/hashes/sha2.js", "idb", "onnxruntime-web"}
            or (is_inspector and name.split("/")[0] == "lit")
        ), name


@pytest.mark.parametrize("path", SHIM_FILES, ids=lambda p: str(p.relative_to(SHIM)))
def test_nothing_that_every_page_loads_knows_the_inspector(path: Path) -> None:
    if path.parent.name != "inspector":
        assert not [name for name in js_imports(path) if "inspector" in name]


def test_the_protocol_is_shapes_only() -> None:
    source = (SHIM / "protocol.js").read_text()

    assert not js_imports(SHIM / "protocol.js")
    assert not re.search(r"^(?:async )?function", source, flags=re.M)


@pytest.mark.parametrize("path", SHIM_FILES, ids=lambda p: str(p.relative_to(SHIM)))
def test_the_dom_is_touched_on_the_page_only(path: Path) -> None:
    in_worker = path.name.endswith("-worker.js") or "host" in path.relative_to(SHIM).parts

    if in_worker:
        code = JS_COMMENT.sub("", path.read_text())
        assert not re.search(r"\b(document|window)\.", code)


def test_files_stay_small_enough_to_hold_in_the_head() -> None:
    limit = 250
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in (CORE, ROOT / "web_runtime", SHIM)
        for path in folder.rglob("*")
        if path.suffix in {".py", ".js", ".mjs"} and "dist" not in path.parts
        if (lines := len(path.read_text().splitlines())) > limit
    }
    assert not long
