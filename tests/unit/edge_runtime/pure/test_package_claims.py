"""One interpreter, one version of a package."""

from dataclasses import replace

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.errors import ConfigError
from edge_runtime.pure.manifest import Manifest
from edge_runtime.pure.manifest_fields import Package
from edge_runtime.pure.package_claims import PackageClaims

from ..task_bundles import bundle

OLD = Package("units", "1.0", "units-1.0-py3-none-any.whl", "0" * 64, 5)
NEW = replace(OLD, version="2.0", file="units-2.0-py3-none-any.whl", sha256="1" * 64)
TEXT = replace(OLD, name="text", file="text-1.0-py3-none-any.whl")


def task(name: str, *packages: Package) -> Manifest:
    return replace(open_bundle(bundle(name)).manifest, packages=packages)


def claim(claims: PackageClaims, manifest: Manifest) -> frozenset[str]:
    fresh = claims.fresh(manifest)
    claims.add(manifest)
    return fresh


def test_what_is_there_already_is_not_named_again() -> None:
    claims = PackageClaims()

    assert claim(claims, task("A", OLD, Package("numpy"))) == {"units", "numpy"}
    assert claim(claims, task("B", TEXT, OLD)) == {"text"}
    assert claim(claims, task("A", OLD, Package("numpy"))) == set()


@pytest.mark.parametrize("other", [NEW, replace(OLD, sha256="2" * 64), Package("units")])
def test_another_version_is_refused_with_both_tasks_names(other: Package) -> None:
    claims = PackageClaims()
    claim(claims, task("First", OLD))

    with pytest.raises(ConfigError) as refused:
        claim(claims, task("Second", TEXT, other))

    error = refused.value
    assert (error.code, error.details["tasks"]) == ("config-invalid", ["First", "Second"])
    assert "1.0 (units-1.0-py3-none-any.whl, sha256 000000000000…) for First" in error.message
    assert claims.conflict(task("First", OLD)) is None
    assert claim(claims, task("Third", TEXT)) == {"text"}
