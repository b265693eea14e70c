"""Bundles of tasks made from source text, for tests."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any


def bundle(name: str = "Rank", source: str | Mapping[str, str] = "", **manifest: Any) -> bytes:
    """Return a bundle of the task ``name``; ``source`` is main.py or text by path."""
    texts = {"main.py": source} if isinstance(source, str) else source
    files = {path: text.encode() for path, text in texts.items()}
    plain = {
        "format": 1,
        "name": name,
        "version": "1.0.0",
        "systemCode": "demo",
        "businessCode": name.lower(),
        "entry": "main:run",
        "priority": "regular",
        "timeoutMs": 1_000,
        "models": [],
        "packages": [],
        "files": {path: described(data) for path, data in files.items()},
        **manifest,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("manifest.json", json.dumps(plain))
        for path, data in files.items():
            archive.writestr(path, data)
    return packed.getvalue()


def described(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
