"""vm.bundle_load_ms: a signed and sealed bundle of 100 kB, from its last byte until it can run."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from tests.browser.site import SYSTEM
from tests.browser.workers import worker_of
from web_runtime.compilers import Compiled, pyodide_of
from web_runtime.keys import SealKey, SigningKey, signing_of
from web_runtime.pack import pack_task

from .harness import DIST, expect_equal, p50, served, spread
from .report import Measure
from .vm_site import NO_PEER, call, calls, started, vm_site

ROUNDS: Final = 5
WARM_CALLS: Final = 9
FUNCTIONS: Final = 1_870
SIZES_BYTES: Final = range(90_000, 110_000)
BUNDLE: Final = "tasks/Loaded.edge"
KEY: Final = SigningKey("bench", b"\1" * 32, b"\2" * 32)
SEAL: Final = SealKey("bench", b"\3" * 32)
TRUST: Final = {"keys": [KEY.trusted()], "seals": {"bench": SEAL.to_dict()["key"]}}

MANIFEST: Final = f"""
name = "Loaded"
version = "VERSION"
system_code = "{SYSTEM}"
business_code = "loaded"
entry = "main:run"
"""
MAIN: Final = """
from .parts import PARTS

async def run(ctx, activation):
    return len(PARTS)
"""
# When a file's last byte was there, Unix time, by the clock of the worker that fetched it.
ARRIVED: Final = """(name) => {
  const found = performance.getEntriesByType("resource").filter((each) => each.name.endsWith(name));
  return performance.timeOrigin + found.at(-1).responseEnd;
}"""


class Publisher:
    """Publishes a task in one version after the other, compiled once."""

    def __init__(self, source: Path, site: Path) -> None:
        self._source, self._target = source, site / BUNDLE
        source.mkdir()
        (source / "main.py").write_text(MAIN)
        (source / "parts.py").write_text(parts())
        files = {path.name: path.read_bytes() for path in source.iterdir()}
        self._compiled = pyodide_of(DIST)("Loaded", files)

    def publish(self, number: int) -> int:
        """Publish version ``number`` and return the bundle's bytes."""
        (self._source / "task.toml").write_text(MANIFEST.replace("VERSION", f"1.0.{number}"))
        signing = signing_of(KEY)
        packed = pack_task(self._source, signing=signing, sealing=SEAL, compiler=self._code)
        self._target.write_bytes(packed)
        return len(packed)

    def _code(self, _name: str, _sources: Mapping[str, bytes]) -> Compiled:
        return self._compiled


def parts() -> str:
    """Return a module of many functions that look alike to nobody, least of all to zstd."""
    rng = random.Random(7)
    names = [f"part_{rng.getrandbits(48):x}" for _ in range(FUNCTIONS)]
    functions = [
        f"def {name}(rows, scale={rng.random()}, least={rng.random()}):\n"
        f"    return [row * scale + {rng.getrandbits(62)} for row in rows if row > least]\n"
        for name in names
    ]
    return "\n".join([*functions, f"PARTS = [{', '.join(names)}]", ""])


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Publish new versions and take each up; the first round warms up and is dropped."""
    config = {"bundles": [BUNDLE], "trust": TRUST}
    site = vm_site(folder / "site", config=config)
    publisher = Publisher(folder / "source", site)
    size = publisher.publish(0)
    if size not in SIZES_BYTES:
        raise RuntimeError(f"bundle bench: expected about 100 kB, got {size} bytes")
    with served(site, isolated=True) as server, started(browser, server, vms=1) as page:
        calls(page, call("loaded"), WARM_CALLS)
        rounds = [loaded_round(page, publisher, number) for number in range(1, ROUNDS + 2)][1:]
    times_ms = [each["verified"] + each["opened"] for each in rounds]
    details: dict[str, Any] = {"rounds_ms": spread(times_ms), "bytes": size}
    details |= {f"{part}_ms": round(p50([each[part] for each in rounds]), 1) for part in rounds[0]}
    return [Measure("vm.bundle_load_ms", p50(times_ms), None, NO_PEER, details=details)]


def loaded_round(page: Page, publisher: Publisher, number: int) -> dict[str, float]:
    """Return the time from the last byte until a version is in force, and until its VM has it."""
    publisher.publish(number)
    taken = page.evaluate("() => vmBench.reload()")
    expect_equal("problems of a reload", [], taken["change"]["problems"])
    found = calls(page, call("loaded"), 1 + WARM_CALLS)
    expect_equal("parts", {FUNCTIONS}, {each["value"] for each in found})
    first, *warm = [each["elapsedMs"] for each in found]
    verified = taken["doneMs"] - worker_of(page).evaluate(ARRIVED, BUNDLE)
    return {"verified": verified, "opened": first - p50(warm)}
