"""JavaScript bundles by esbuild, the page's made smaller by terser; types by tsc."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from edge_runtime.errors import NUMBERS

from ..errors import ToolError
from .digests import named_by_content

Defines = dict[str, str]

TARGET: Final = "es2022"
# What no script contains.
HOLE: Final = b"\0"
# Names of modules that take the place of global names.
OWN_BUILTINS: Final = ("own-builtins.js",)
# Of the logic layers of mini-programs, which are older than the web-views beside them.
MINI_PROGRAM_TARGET: Final = "es2018"
MINI_PROGRAM_SCRIPTS: Final = ("receiver", "native")
TYPES: Final = """export * from "./types/edge.js";
export { default } from "./types/edge.js";
"""
# For pages with a script tag: `/// <reference types="edge-web-runtime/global" />`.
GLOBAL_TYPES: Final = """import type { Edge } from "./types/edge.js";

type Command = [method: keyof Edge, ...args: any[]];

declare global {
  var EdgeAI: Edge & { q: { push(...commands: Command[]): unknown } };
}
"""
# Written by hand: what its base class declares is bundled and not shipped.
INSPECTOR_TYPES: Final = """import type { Edge } from "./types/edge.js";

export class EdgeInspector extends HTMLElement {
  /** The runtime that is looked at; default: `window.EdgeAI`. */
  edge: Edge | undefined;
  open: boolean;
  tab: "runs" | "events" | "queues" | "models" | "store" | "system" | "log";
}

declare global {
  interface HTMLElementTagNameMap {
    "edge-inspector": EdgeInspector;
  }
}
"""
BRIDGE_TYPES: Final = 'export * from "./types/miniprogram/edge-bridge.js";\n'


def build_id(root: Path, assets: list[str]) -> str:
    """Return the version with a digest of everything a build is made of, snapshot aside."""
    digest = hashlib.sha256("\n".join(assets).encode())
    for path in sorted((root / "js_shim").rglob("*.js")):
        digest.update(path.read_bytes())
    version = json.loads((root / "package.json").read_text())["version"]
    return f"{version}+{digest.hexdigest()[:8]}"


def bundle_worker(root: Path, out: Path, name: str, defines: Defines) -> str:
    """Bundle ``js_shim/<name>.js`` as an ES module; return its hashed name in ``out``."""
    code = _esbuild(root, f"{name}.js", "esm", defines)
    return named_by_content(out, name, ".js", code)


def bundle_page(root: Path, out: Path, defines: Defines) -> None:
    """Bundle the page script twice: ``edge.js`` for a script tag, ``edge.mjs`` for imports.

    Beside them ``edge-inspector.mjs``, which only pages load that want it.
    """
    script = _esbuild(root, "edge-global.js", "iife", defines, inject=OWN_BUILTINS)
    (out / "edge.js").write_bytes(_terser(root, without_unused(NUMBERS, script)))
    module = _esbuild(root, "edge.js", "esm", defines, inject=OWN_BUILTINS)
    (out / "edge.mjs").write_bytes(_terser(root, without_unused(NUMBERS, module), "--module"))
    inspector = _esbuild(root, "inspector/edge-inspector.js", "esm", defines)
    (out / "edge-inspector.mjs").write_bytes(inspector)


def without_unused(codes: Iterable[str], script: bytes) -> bytes:
    """Leave those error codes out of the tree that the script names nowhere else.

    Their places stay: a code's place is its number.
    """
    for code in codes:
        quoted = f'"{code}"'.encode()
        if script.count(quoted) == 1:
            script = script.replace(quoted, HOLE)
    # Behind the last one no place has to be kept.
    return re.sub(rb"(,\0)+\]", b"]", script).replace(HOLE, b"0")


def bundle_mini_program(root: Path, out: Path) -> None:
    """Bundle the page's side of mini-programs, twice as ``bundle_page`` does, and their own side.

    The latter is CommonJS in ``miniprogram/``, for a mini-program's folder.
    """
    bridge = "miniprogram/edge-bridge"
    (out / "edge-bridge.js").write_bytes(_esbuild(root, f"{bridge}-global.js", "iife", {}))
    (out / "edge-bridge.mjs").write_bytes(_esbuild(root, f"{bridge}.js", "esm", {}))
    folder = out / "miniprogram"
    folder.mkdir()
    for name in MINI_PROGRAM_SCRIPTS:
        code = _esbuild(root, f"miniprogram/{name}.js", "cjs", {}, MINI_PROGRAM_TARGET)
        (folder / f"{name}.js").write_bytes(code)


def bundle_script(root: Path, entry: Path, target: str) -> bytes:
    """Bundle a page's own classic script for browsers of ``target``, such as ``es2018``."""
    return _esbuild(root, str(entry.resolve()), "iife", {}, target)


def write_types(root: Path, out: Path) -> None:
    """Write the declarations that come from the page scripts' JSDoc."""
    tsc = root / "node_modules" / ".bin" / "tsc"
    options = [
        "--ignoreConfig",
        "--allowJs",
        "--checkJs",
        "--declaration",
        "--emitDeclarationOnly",
        "--strict",
    ]
    options += ["--target", TARGET, "--module", "esnext", "--moduleResolution", "bundler"]
    options += ["--lib", "es2024,dom,dom.iterable", "--skipLibCheck"]
    entries = ("edge.js", "miniprogram/edge-bridge.js", "globals.d.ts")
    sources = [str(root / "js_shim" / name) for name in entries]
    _run([str(tsc), *options, "--outDir", str(out / "types"), *sources], root)
    (out / "edge.d.ts").write_text(TYPES)
    (out / "global.d.ts").write_text(GLOBAL_TYPES)
    (out / "edge-bridge.d.ts").write_text(BRIDGE_TYPES)
    (out / "edge-inspector.d.ts").write_text(INSPECTOR_TYPES)


def _esbuild(
    root: Path,
    entry: str,
    output_format: str,
    defines: Defines,
    target: str = TARGET,
    inject: tuple[str, ...] = (),
) -> bytes:
    binary = root / "node_modules" / ".bin" / "esbuild"
    command = [
        str(binary),
        str(root / "js_shim" / entry),
        "--bundle",
        "--minify",
        "--charset=utf8",
        f"--format={output_format}",
        f"--target={target}",
        "--log-level=warning",
        *(f"--define:{name}={json.dumps(value)}" for name, value in defines.items()),
        *(f"--inject:{root / 'js_shim' / name}" for name in inject),
    ]
    return _run(command, root)


def _terser(root: Path, code: bytes, *options: str) -> bytes:
    """Minify further: a twentieth less to load on every page."""
    binary = root / "node_modules" / ".bin" / "terser"
    minify = [
        "--compress",
        "passes=3,hoist_funs=true,keep_fargs=false,if_return=false,sequences=false",
        "--mangle",
        "--ecma",
        TARGET.removeprefix("es"),
    ]
    return _run([str(binary), *minify, *options], root, code)


def _run(command: list[str], root: Path, text: bytes | None = None) -> bytes:
    name = Path(command[0]).name
    try:
        done = subprocess.run(command, cwd=root, input=text, capture_output=True, check=False)
    except OSError as error:
        raise ToolError(f"{name}: expected to start it, got {error}. Run `make setup`.") from error
    if done.returncode != 0:
        said = (done.stderr + done.stdout).decode(errors="replace")
        raise ToolError(f"{name}: expected it to succeed, got exit code {done.returncode}:\n{said}")
    sys.stderr.write(done.stderr.decode(errors="replace"))
    return done.stdout
