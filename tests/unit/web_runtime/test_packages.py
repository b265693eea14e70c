"""A task's packages are locked as a device will need them; pip finds wheels in a folder here."""

import hashlib
import sys
from pathlib import Path

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.config import LIMITS
from edge_runtime.pure.manifest_fields import Package
from packaging.tags import sys_tags

from tests.unit.wheels import publish
from web_runtime.errors import ToolError
from web_runtime.pack import pack_task
from web_runtime.packages import lock_packages, shipped_versions

NUMPY = str(shipped_versions()["numpy"])


def lock(tmp_path: Path, *texts: str) -> tuple[Package, ...]:
    """Lock packages as task.toml names them."""
    parts = [text.partition("==") for text in texts]
    packages = [Package(name, version or None) for name, _, version in parts]
    return lock_packages(packages, tmp_path / "packages")


def refusal(tmp_path: Path, *texts: str) -> str:
    with pytest.raises(ToolError) as refused:
        lock(tmp_path, *texts)
    return str(refused.value)


def test_what_the_runtime_ships_is_named_only(tmp_path: Path) -> None:
    locked = lock(tmp_path, "NumPy", f"numpy=={NUMPY}", "micropip")

    assert locked == (Package("micropip"), Package("numpy"))
    assert not (tmp_path / "packages").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("numpy==1.26.0", f"package numpy: expected {NUMPY}, which the runtime ships, got 1.26.0"),
        ("units", "Write units==version in task.toml"),
        ("units==latest", "expected a version such as 1.2, got latest"),
    ],
)
def test_a_version_is_exact_and_the_runtimes(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, text)


def test_wheels_without_a_folder_for_them_are_refused() -> None:
    with pytest.raises(ToolError, match="expected a folder for the task's wheels"):
        lock_packages([Package("units", "1.0")], None)


def test_what_a_package_needs_is_locked_with_it(index: Path, tmp_path: Path) -> None:
    units = publish(index, "units", "1.0", requires=["tables>=2", "numpy>=2", "micropip"])
    tables = publish(index, "tables", "2.1")
    publish(index, "tables", "1.0")
    publish(index, "other", "1.0")

    locked = lock(tmp_path, "units==1.0")

    def of(name: str, version: str, data: bytes) -> Package:
        file = f"{name}-{version}-py3-none-any.whl"
        assert (tmp_path / "packages" / file).read_bytes() == data
        return Package(name, version, file, hashlib.sha256(data).hexdigest(), len(data))

    assert locked == (
        Package("micropip"),
        Package("numpy"),
        of("tables", "2.1", tables),
        of("units", "1.0", units),
    )
    assert len(list((tmp_path / "packages").iterdir())) == 2


def test_markers_are_those_of_the_device(index: Path, tmp_path: Path) -> None:
    here = "sys_platform != 'emscripten'"
    there = "sys_platform == 'emscripten' and python_version >= '3.14'"
    requires = [f"host-only; {here}", f"tables[fast]; {there}", "docs; extra == 'docs'"]
    publish(index, "units", "1.0", requires=requires)
    publish(index, "host_only", "1.0")
    publish(index, "tables", "1.0", requires=["quick; extra == 'fast'", "slow; extra == 'slow'"])
    publish(index, "quick", "1.0")

    assert [each.name for each in lock(tmp_path, "units==1.0")] == ["quick", "tables", "units"]


def test_a_version_that_only_devices_ask_for_is_found(index: Path, tmp_path: Path) -> None:
    publish(index, "units", "1.0", requires=["tables", "tables<2; sys_platform == 'emscripten'"])
    publish(index, "tables", "1.5")
    publish(index, "tables", "2.0")

    assert [each.version for each in lock(tmp_path, "units==1.0")] == ["1.5", "1.0"]


def test_compiled_code_is_refused_with_the_package_that_has_it(index: Path, tmp_path: Path) -> None:
    tag = str(next(sys_tags()))
    publish(index, "fast", "1.0", tag=tag)
    publish(index, "units", "1.0", requires=["fast"])

    said = refusal(tmp_path, "units==1.0")

    assert "package fast: expected a wheel of pure Python (py3-none-any) for fast" in said
    assert f"got fast-1.0-{tag}.whl, which holds compiled code" in said


def test_compiled_code_in_a_wheel_that_says_it_is_pure_is_refused(
    index: Path, tmp_path: Path
) -> None:
    publish(index, "units", "1.0", {"units/core.cpython-314.so": b"\x7fELF"})

    said = refusal(tmp_path, "units==1.0")

    assert "got compiled code: units/core.cpython-314.so in units-1.0-py3-none-any.whl" in said


@pytest.mark.parametrize("path", ["../evil.py", "/evil.py", "a\\b.py"])
def test_a_wheel_with_paths_out_of_its_folder_is_refused(
    index: Path, tmp_path: Path, path: str
) -> None:
    publish(index, "units", "1.0", {path: "x"})

    assert "expected plain paths inside" in refusal(tmp_path, "units==1.0")


def test_a_package_for_another_python_is_refused_in_words(index: Path, tmp_path: Path) -> None:
    publish(index, "units", "1.0", python="<3.14")
    mine = f"cp{sys.version_info.major}{sys.version_info.minor}"
    publish(index, "tables", "1.0", tag=f"{mine}-none-any")

    assert "a different Python: 3.14.0 not in '<3.14'" in refusal(tmp_path, "units==1.0")
    assert "which is for another Python than 3.14" in refusal(tmp_path, "tables==1.0")


def test_a_package_that_is_not_there_is_named(index: Path, tmp_path: Path) -> None:
    said = refusal(tmp_path, "units==1.0")

    assert "package units: expected a wheel" in said and "got none that pip can reach" in said


def test_another_version_of_a_shipped_package_is_a_conflict(index: Path, tmp_path: Path) -> None:
    publish(index, "units", "1.0", requires=["numpy<2"])

    said = refusal(tmp_path, "units==1.0")

    assert "units 1.0 depends on numpy<2" in said
    assert f"The runtime ships numpy=={NUMPY}" in said


def test_a_wheel_that_others_may_name_is_not_replaced(index: Path, tmp_path: Path) -> None:
    publish(index, "units", "1.0")
    first = lock(tmp_path, "units==1.0")
    assert lock(tmp_path, "units==1.0") == first
    publish(index, "units", "1.0", {"units.py": "CHANGED = True\n"})

    assert "expected the wheel that pip found" in refusal(tmp_path, "units==1.0")


def test_a_wheel_that_is_too_large_is_refused(index: Path, tmp_path: Path) -> None:
    publish(index, "units", "1.0", {"units.bin": bytes(LIMITS.package_bytes)})

    assert f"expected at most {LIMITS.package_bytes:,} bytes" in refusal(tmp_path, "units==1.0")


def test_a_bundle_lists_what_was_locked(index: Path, tmp_path: Path) -> None:
    data = publish(index, "units", "1.0")
    task = tmp_path / "task"
    task.mkdir()
    (task / "main.py").write_text("async def run(ctx, activation): ...\n")
    (task / "task.toml").write_text(
        'name = "A"\nversion = "1"\nsystem_code = "a"\nbusiness_code = "b"\n'
        'packages = ["numpy", "units==1.0"]\n'
    )

    bundle = pack_task(task, packages=tmp_path / "packages")
    manifest = open_bundle(bundle).manifest

    assert [each.name for each in manifest.packages] == ["numpy", "units"]
    assert manifest.packages[1].sha256 == hashlib.sha256(data).hexdigest()
