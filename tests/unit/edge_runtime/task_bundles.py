"""Bundles of tasks made from source text, for tests; configurations take them as unsigned ones."""

from collections.abc import Mapping
from typing import Any, Final

from edge_runtime.bundle_writer import write_bundle
from edge_runtime.pure.manifest import parse_manifest
from edge_runtime.pure.manifest_fields import digest_of

UNSIGNED: Final = {"unsigned": True}
"""The section ``trust`` of a configuration that runs these bundles."""


def bundle(name: str = "Rank", source: str | Mapping[str, str] = "", **manifest: Any) -> bytes:
    """Return a bundle of the task ``name``; ``source`` is main.py or text by path."""
    texts = {"main.py": source} if isinstance(source, str) else source
    files = {path: text.encode() for path, text in texts.items()}
    return write_bundle(parse_manifest(plain_manifest(name, files, **manifest)), files)


def plain_manifest(name: str, files: Mapping[str, bytes], **manifest: Any) -> dict[str, Any]:
    """Return the decoded manifest of a task with ``files`` by path."""
    described = {path: digest_of(data) for path, data in files.items()}
    return {
        "format": 2,
        "name": name,
        "version": "1.0.0",
        "systemCode": "demo",
        "businessCode": name.lower(),
        "entry": "main:run",
        "priority": "regular",
        "timeoutMs": 1_000,
        "models": [],
        "packages": [],
        "code": "source",
        "files": {
            path: {"sha256": each.sha256, "bytes": each.bytes} for path, each in described.items()
        },
        **manifest,
    }
