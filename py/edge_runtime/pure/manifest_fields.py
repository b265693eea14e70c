"""A task's description: ``task.toml`` as its author writes it, the manifest in a bundle."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from .. import schema
from ..config import LIMITS
from ..errors import ConfigError, TrustError
from ..types import JsonValue, Priority, Supersede
from .abi import Abi
from .egress import normalised_url
from .fallback import Fallback, parse_fallback

FORMAT: Final = 2
_PATH_CHARS: Final = 200
_RENAMED: Final = {
    "systemCode": "system_code",
    "businessCode": "business_code",
    "timeoutMs": "timeout_ms",
    "memoryMb": "memory_mb",
    "outputBytes": "output_bytes",
}


@dataclass(frozen=True, slots=True)
class FileDigest:
    """Lower-case SHA-256 and size of one file."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Package:
    """A Python package that a task imports.

    ``file`` is a wheel in the folder ``packages/`` beside the bundle, with its digest and size;
    without one the runtime ships the package.
    """

    name: str
    version: str | None = None
    file: str | None = None
    sha256: str | None = None
    bytes: int | None = None

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the form that a manifest holds."""
        given = {
            "name": self.name,
            "version": self.version,
            "file": self.file,
            "sha256": self.sha256,
            "bytes": self.bytes,
        }
        return {key: value for key, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Manifest:
    """One task; ``files`` covers everything in its bundle but the manifest itself.

    Attributes:
        memory_mb: Megabytes by which a run may make its VM's heap grow; None: up to the VM's limit.
        output_bytes: JSON text that a run may return.
        stateful: Its modules are kept between runs, until their VM ends.
        egress: Prefixes of URLs that ``ctx.fetch`` may go to.
        abi: What its code was compiled for: ``main.pyc`` is a marshalled code object. None: the
            code is source text, ``main.py``, which any interpreter runs.
    """

    name: str
    version: str
    system_code: str
    business_code: str
    entry: str
    priority: Priority
    timeout_ms: float
    models: tuple[str, ...]
    packages: tuple[Package, ...]
    files: Mapping[str, FileDigest]
    supersede: Supersede = Supersede.NONE
    fallback: Fallback | None = None
    memory_mb: float | None = None
    output_bytes: int = LIMITS.result_bytes
    stateful: bool = False
    egress: tuple[str, ...] = ()
    abi: Abi | None = None

    @property
    def code(self) -> Literal["bytecode", "source"]:
        """Return what its code is."""
        return "source" if self.abi is None else "bytecode"

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the form that bundles hold."""
        files = sorted(self.files.items())
        # Left out where it says nothing: such a bundle opens in runtimes that do not know it.
        given: dict[str, JsonValue] = {}
        if self.supersede is not Supersede.NONE:
            given["supersede"] = self.supersede.value
        if self.fallback is not None:
            given["fallback"] = self.fallback.to_dict()
        if self.memory_mb is not None:
            given["memoryMb"] = self.memory_mb
        if self.output_bytes != LIMITS.result_bytes:
            given["outputBytes"] = self.output_bytes
        if self.stateful:
            given["stateful"] = True
        if self.egress:
            given["egress"] = list(self.egress)
        if self.abi is not None:
            given["abi"] = self.abi.to_dict()
        return {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "systemCode": self.system_code,
            "businessCode": self.business_code,
            "entry": self.entry,
            "priority": self.priority.value,
            "timeoutMs": self.timeout_ms,
            "models": list(self.models),
            "packages": [each.to_dict() for each in self.packages],
            "code": self.code,
            **given,
            "files": {path: {"sha256": each.sha256, "bytes": each.bytes} for path, each in files},
        }


def parse_manifest(plain: object) -> Manifest:
    """Turn the decoded manifest of a bundle into a :class:`Manifest`.

    Raises:
        TrustError: ``bundle-invalid`` naming the field, what was expected and what was given.
    """
    try:
        schema.check("manifest", plain)
        assert isinstance(plain, dict)
        fallback = _fallback("manifest", plain)
    except ConfigError as error:
        raise TrustError("bundle-invalid", error.message, error.details) from None
    for path in plain["files"]:
        check_path(path)
    files = {path: FileDigest(**digest) for path, digest in plain["files"].items()}
    packages = tuple(Package(**each) for each in plain["packages"])
    abi = Abi(**plain["abi"]) if "abi" in plain else None
    if (plain["code"] == "bytecode") != (abi is not None):
        raise bundle_invalid("an abi with bytecode, none with source", f"code {plain['code']}")
    fields = {task: plain[given] for given, task in _RENAMED.items() if given in plain}
    return _manifest({**plain, **fields, "packages": packages, "abi": abi}, files, fallback)


def from_task_toml(plain: object, files: Mapping[str, bytes], abi: Abi | None = None) -> Manifest:
    """Turn a decoded ``task.toml`` and the task's files into a :class:`Manifest`.

    Args:
        plain: The decoded file.
        files: Content by path: ``.pyc`` where the code is bytecode, else ``.py``.
        abi: What the bytecode is for; None: it is source text.

    Raises:
        ConfigError: ``config-invalid``: a wrong or unknown key, or no file for ``entry``.
        TrustError: ``bundle-invalid``: a path that no bundle may hold.
    """
    schema.check("task", plain, subject="task.toml")
    assert isinstance(plain, dict)
    for path in files:
        check_path(path)
    digests = {path: digest_of(data) for path, data in files.items()}
    packages = tuple(_package(each) for each in plain.get("packages", ()))
    _check_egress(plain.get("egress", ()))
    fallback = _fallback("task.toml", plain)
    manifest = _manifest({**plain, "packages": packages, "abi": abi}, digests, fallback)
    module, suffix = manifest.entry.partition(":")[0].replace(".", "/"), "pyc" if abi else "py"
    if not {f"{module}.{suffix}", f"{module}/__init__.{suffix}"} & files.keys():
        advice = f"Add the file, or correct entry. Files: {', '.join(sorted(files)) or 'none'}."
        raise schema.invalid("task.toml", "entry", f"a file {module}.py", manifest.entry, advice)
    return manifest


def _check_egress(prefixes: Sequence[str]) -> None:
    for prefix in prefixes:
        try:
            normalised_url(prefix)
        except ConfigError as error:
            expected = "prefixes of URLs that can be read in one way only"
            raise schema.invalid("task.toml", "egress", expected, prefix, error.message) from None


def _package(text: str) -> Package:
    name, _, version = text.partition("==")
    return Package(name, version or None)


def digest_of(data: bytes) -> FileDigest:
    """Return digest and size of a file."""
    return FileDigest(hashlib.sha256(data).hexdigest(), len(data))


def check_path(path: str) -> None:
    """Refuse what is not a plain relative path inside a bundle.

    Raises:
        TrustError: ``bundle-invalid``: absolute, ``..``, backslashes, control characters, too long.
    """
    plain = path.isprintable() and "\\" not in path and ":" not in path
    parts = path.split("/")
    if not plain or len(path) > _PATH_CHARS or {"", ".", ".."} & set(parts):
        raise bundle_invalid("relative paths without .. or \\", repr(path[:_PATH_CHARS]))


def bundle_invalid(
    expected: str, got: str, advice: str = "Pack the task again with `web-runtime pack`."
) -> TrustError:
    """Build the one form of these errors."""
    return TrustError("bundle-invalid", f"bundle: expected {expected}, got {got}. {advice}")


def _fallback(subject: str, plain: Mapping[str, Any]) -> Fallback | None:
    given = plain.get("fallback")
    return None if given is None else parse_fallback(subject, plain["name"], given)


def _manifest(
    plain: Mapping[str, Any], files: Mapping[str, FileDigest], fallback: Fallback | None
) -> Manifest:
    return Manifest(
        name=plain["name"],
        version=plain["version"],
        system_code=plain["system_code"],
        business_code=plain["business_code"],
        entry=plain.get("entry", "main:run"),
        priority=Priority(plain.get("priority", "regular")),
        timeout_ms=plain.get("timeout_ms", LIMITS.task_timeout_ms),
        models=tuple(plain.get("models", ())),
        packages=plain["packages"],
        files=files,
        supersede=Supersede(plain.get("supersede", "none")),
        fallback=fallback,
        memory_mb=plain.get("memory_mb"),
        output_bytes=plain.get("output_bytes", LIMITS.result_bytes),
        stateful=plain.get("stateful", False),
        egress=tuple(plain.get("egress", ())),
        abi=plain["abi"],
    )
