"""Tasks with wheels beside their bundles, in VMs and beside the core."""

import hashlib
from typing import Any

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.errors import ConfigError, HostError, TrustError
from edge_runtime.services.container import LoadedTask

from ..task_bundles import bundle
from .container_stage import Stage, on_stage, play_on

SITE = "https://shop.test/"
QUICK = "async def run(ctx, activation):\n    return activation.run_id\n"


def wheel(stage: Stage, name: str, version: str = "1.0") -> dict[str, Any]:
    """Publish a wheel and return what a manifest says of it."""
    file, data = f"{name}-{version}-py3-none-any.whl", f"{name} {version}".encode()
    stage.host.network.files[f"{SITE}packages/{file}"] = data
    digest = hashlib.sha256(data).hexdigest()
    return {"name": name, "version": version, "file": file, "sha256": digest, "bytes": len(data)}


async def load(
    stage: Stage, name: str, *packages: dict[str, Any], source: str = QUICK
) -> LoadedTask:
    stage.budget_ms = 60_000
    opened = open_bundle(bundle(name, source, packages=list(packages)))
    return await stage.container.load(opened, f"{SITE}{name}.edge")


def installed(stage: Stage) -> list[str]:
    return stage.host.interpreter.installed  # type: ignore[attr-defined, no-any-return]


@on_stage
async def test_wheels_are_installed_before_the_code_and_once(stage: Stage) -> None:
    stage.host.interpreter.available.add("numpy")  # type: ignore[attr-defined]
    units, text = wheel(stage, "units"), wheel(stage, "text")
    first = await load(stage, "First", {"name": "numpy"}, units)
    second = await load(stage, "Second", text, units)

    for run_id, task in (("a", first), ("b", second), ("c", first)):
        assert (await stage.run(task, run_id)).value == run_id

    assert sorted(installed(stage)) == ["numpy", "text", "units"]
    assert len(stage.host.network.requests) == 2  # type: ignore[attr-defined]


@on_stage
async def test_wheels_are_there_when_the_network_is_not(stage: Stage) -> None:
    task = await load(stage, "Rank", wheel(stage, "units"))
    await stage.host.clock.advance(0)  # type: ignore[attr-defined]

    stage.host.network.files.clear()  # type: ignore[attr-defined]

    assert (await stage.run(task)).value == "r1"


@pytest.mark.parametrize("vms", [0, 1], ids=["inline", "vm"])
@pytest.mark.parametrize("fault", ["missing", "changed"])
def test_a_wheel_that_is_not_as_locked_is_a_refusal(vms: int, fault: str) -> None:
    async def play(stage: Stage) -> None:
        units = wheel(stage, "units")
        url = f"{SITE}packages/{units['file']}"
        stage.host.network.files[url] = b"other"
        if fault == "missing":
            del stage.host.network.files[url]
        kind = HostError if fault == "missing" else TrustError
        with pytest.raises(kind, match="task Rank, package units: expected") as refused:
            await stage.run(await load(stage, "Rank", units))
        code = "network-failed" if fault == "missing" else "digest-mismatch"
        assert refused.value.code == code and installed(stage) == []

    play_on(lambda: Stage(vms), play)


def test_beside_the_core_two_tasks_with_two_versions_of_a_package_are_refused() -> None:
    async def play(stage: Stage) -> None:
        await load(stage, "First", wheel(stage, "units", "1.0"))

        with pytest.raises(ConfigError) as refused:
            await load(stage, "Second", wheel(stage, "units", "2.0"))

        message = refused.value.message
        assert "for First" in message and "for Second" in message and "2.0" in message
        third = await load(stage, "Third", wheel(stage, "units", "1.0"))
        assert (await stage.run(third)).value == "r1"

    play_on(lambda: Stage(0), play)
