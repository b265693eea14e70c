"""Assemble the demo shop in demo_h5/dist: ``python -m demo_h5.build [--out FOLDER]``."""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from edge_runtime.errors import EdgeError

from demo_h5.assets import DemoError, write_fonts, write_icons
from demo_h5.keys import demo_keys
from demo_h5.model_files import BUILT, MODELS, copy_models, make_missing
from demo_h5.models.looks import looks_files
from demo_h5.models.titles import search_files
from web_runtime.build.bundles import bundle_script
from web_runtime.compilers import pyodide_of
from web_runtime.errors import ToolError
from web_runtime.folders import replace_folder
from web_runtime.keys import signing_of
from web_runtime.pack import pack_task

DEMO: Final = Path(__file__).parent
ROOT: Final = DEMO.parent
CACHE: Final = ROOT / ".cache" / "demo"
RUNTIME: Final = ROOT / "web_runtime" / "dist"

PAGE_SUFFIXES: Final = {".html", ".css", ".js"}
# The device check speaks to browsers that cannot run the runtime.
CHECK_TARGET: Final = "es2018"
BACKENDS: Final = ("wasm", "webgpu", "webnn")


def build_demo(out: Path, node_modules: Path = ROOT / "node_modules") -> None:
    """Write the whole site to ``out``, replacing what was there only when it is complete.

    Raises:
        DemoError: A part is missing, or a model is not the one config.json names.
    """
    make_missing()
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        site = Path(folder) / "site"
        catalogue = with_art(read_json(MODELS / "catalogue.json"), read_json(DEMO / "art.json"))
        copy_pages(site)
        write_json(site / "catalogue.json", catalogue)
        copy_photos(site)
        config, keys = read_json(DEMO / "config.json"), demo_keys(CACHE / "keys")
        write_json(site / "config.json", {**config, "trust": keys.trust()})
        write_json(site / "device-check.json", {**check_config(config), "trust": keys.trust()})
        copy_models(config, site)
        pack = partial(
            pack_task,
            signing=signing_of(keys.signing),
            sealing=keys.sealing,
            compiler=pyodide_of(RUNTIME),
        )
        pack_tasks(site, catalogue, pack)
        write_assets(site, catalogue, node_modules)
        replace_folder(out, site)


def with_art(catalogue: list[dict[str, Any]], art: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the catalogue with each product's picture and its category's colour."""
    missing = [row["name"] for row in catalogue if row["name"] not in art["products"]]
    missing += [row["category"] for row in catalogue if row["category"] not in art["tints"]]
    if missing:
        raise DemoError(
            "demo_h5/art.json: expected an icon for every product and a colour for every category "
            f"of models/catalogue.json, got none for {', '.join(sorted(set(missing)))}. Add them."
        )
    return [
        {**row, "art": art["products"][row["name"]], "tint": art["tints"][row["category"]]}
        for row in catalogue
    ]


def check_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the device check's configuration: the shop's classifier once on each backend."""
    classifier = config["models"]["classifier"]
    models = {
        f"check-{backend}": {
            **classifier,
            "variants": [{**each, "backend": backend} for each in classifier["variants"]],
        }
        for backend in BACKENDS
    }
    kept = {name: config[name] for name in ("schemaVersion", "systemCode", "data")}
    return {**kept, "bundles": ["tasks/check.edge"], "models": models}


def copy_pages(site: Path) -> None:
    """Copy the pages, and bundle the script of the device check."""
    site.mkdir()
    for page in sorted((DEMO / "pages").iterdir()):
        if page.suffix in PAGE_SUFFIXES:
            shutil.copy(page, site)
    check = bundle_script(ROOT, DEMO / "pages" / "check" / "device-check.js", CHECK_TARGET)
    (site / "device-check.js").write_bytes(check)


def copy_photos(site: Path) -> None:
    """Copy the sample photos and their list."""
    photos = MODELS / "photos"
    shutil.copytree(photos, site / "photos", ignore=shutil.ignore_patterns("*.json", "*.md"))
    shutil.copy(photos / "photos.json", site / "photos.json")


def pack_tasks(
    site: Path, catalogue: list[dict[str, Any]], pack: Callable[[Path], bytes] = pack_task
) -> None:
    """Pack the tasks, each with the data it reads; by default as source text, for any Python."""
    (site / "tasks").mkdir()
    for task, files in resources(catalogue).items():
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            staged = Path(folder) / task
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(DEMO / "tasks" / task, staged, ignore=ignored)
            for name, data in files.items():
                (staged / name).write_bytes(data)
            (site / "tasks" / f"{task}.edge").write_bytes(pack(staged))


def resources(catalogue: list[dict[str, Any]]) -> dict[str, dict[str, bytes]]:
    """Return what every task reads beside its code, by task and file name."""
    labels = (BUILT / "labels.json").read_bytes()
    return {
        "rank": {"candidates.json": json.dumps([row["item"] for row in catalogue]).encode()},
        "recognise": {"labels.json": labels}
        | looks_files(catalogue, BUILT / "classifier.onnx", json.loads(labels)),
        "ocr": {"alphabet.txt": (BUILT / "alphabet.txt").read_bytes()},
        "search": search_files(catalogue, BUILT / "sentence.onnx", BUILT / "vocabulary.txt"),
        "check": {},
    }


def write_assets(site: Path, catalogue: list[dict[str, Any]], node_modules: Path) -> None:
    """Write icons and fonts for what the finished pages show."""
    page_icons = read_json(DEMO / "art.json")["page"]
    write_icons([*page_icons, *(row["art"] for row in catalogue)], node_modules, site / "art")
    shown = [path for path in site.iterdir() if path.suffix in {".html", ".js", ".json"}]
    ascii_text = "".join(map(chr, range(32, 127)))
    text = ascii_text + "".join(path.read_text(encoding="utf-8") for path in shown)
    text += (DEMO / "tasks" / "ocr" / "banned-words.json").read_text(encoding="utf-8")
    write_fonts(text, node_modules, site / "fonts", CACHE / "fonts")


def read_json(path: Path) -> Any:
    """Read a JSON file of the demo.

    Raises:
        DemoError: It is not there.
    """
    if not path.is_file():
        raise DemoError(f"{path.relative_to(ROOT)}: expected a file, got none. Run `make setup`.")
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON, readable as it is."""
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def main() -> int:
    """Build the demo; 1 when a part is missing or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DEMO / "dist", help="folder to write")
    out: Path = parser.parse_args().out
    try:
        build_demo(out.resolve())
    except (ToolError, EdgeError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    sys.stderr.write(f"demo: built in {out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
