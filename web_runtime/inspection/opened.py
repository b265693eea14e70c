"""What the root key opens: the core's own recovery, run on a copy of the dump in memory."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from edge_runtime.config import DataConfig
from edge_runtime.errors import EdgeError, TrustError
from edge_runtime.host.ports import Crypto
from edge_runtime.pure import segment
from edge_runtime.pure.damage import Damage
from edge_runtime.pure.head import Checkpoint, Head, base_of, piece_key, plain_images_to_bytes
from edge_runtime.pure.segment import ROUTES, Route
from edge_runtime.services.store_disk import CHECKPOINT, META
from edge_runtime.services.store_durable import Durable
from edge_runtime.services.store_heads import PLAIN_IMAGES
from edge_runtime.services.store_legacy import ROOT as OLD_ROOT
from edge_runtime.services.store_recovery import Recovery
from edge_runtime.services.store_tables import Tables
from edge_runtime.services.store_vault import HEADS, ROOT

from ..errors import ToolError
from .device import device_of
from .dump import Dump
from .known import Known
from .logs import Span, damage_of, faults_of_spare
from .report import Opened, Rows


async def open_with_key(dump: Dump, key: bytes, known: Known) -> tuple[Opened, list[Damage]]:
    """Verify everything.

    Args:
        dump: What is stored.
        key: The root key.
        known: What of a spare is to be there; a start alone would not look at it.
    """
    with tempfile.TemporaryDirectory() as folder:
        crypto = _crypto_with(Path(folder), key)
        device = await device_of(dump, crypto)
        try:
            head = await _head(device)
        except EdgeError as error:
            return _nothing(error.code), [_of_heads(error.code)]
        if head is None and any(row in dump.stores[META] for row in HEADS):
            return _nothing("key-lost"), [_of_heads("key-lost")]
        opened, damage = await _recovered(device, head)
        if opened.is_proven and head is not None:
            damage += [*_of_pointers(dump, head), *await _damage_of_spare(device, head, known)]
        return opened, damage


async def _recovered(device: Durable, head: Head | None) -> tuple[Opened, list[Damage]]:
    tables = _AsStored()
    recovery = Recovery(device, tables, DataConfig())
    try:
        await recovery.run()
    except EdgeError as error:
        return _nothing(error.code), [_of_heads(error.code)]
    else:
        rows: dict[str, Rows] = {route: _rows(tables, route) for route in ROUTES}
        problems = [problem.code for problem in recovery.problems]
        is_rolled_back = any(each.reason == "rolled-back" for each in recovery.damage)
        written = {} if head is None or is_rolled_back else device.log.written
        return _opened(head, written, rows, problems), recovery.damage
    finally:
        tables.close()


def _opened(
    head: Head | None, written: Mapping[str, int], rows: Mapping[str, Rows], problems: list[str]
) -> Opened:
    if head is None:
        return Opened(False, None, {}, {}, None, rows, problems)
    return Opened(
        is_proven=bool(written),
        head_version=head.version,
        data_keys={each.key_id: each.created_ms for each in head.keys},
        tail=written,
        checkpoint_ms=None if head.checkpoint is None else head.checkpoint.created_ms,
        rows=rows,
        problems=problems,
    )


class _AsStored(Tables):
    """Leaves events and keys on the route they were stored in: nobody knows the site's rules."""

    def move_events(self, source: Route, target: Route) -> int:
        """Move nothing."""
        return 0

    def key_rows(self, route: Route, after: str, limit: int) -> list[tuple[str, float, int, int]]:
        """Show no key to who would move it."""
        return []


async def _head(device: Durable) -> Head | None:
    """Return the newest head that the key opens."""
    copies = await device.heads.found()
    await device.vault.open_root(create=False)
    return next(iter((await device.heads.opened(copies)).values()), None)


async def _damage_of_spare(device: Durable, head: Head, known: Known) -> list[Damage]:
    damage: list[Damage] = []
    for route in ROUTES:
        if known.spare is not None and head.spare is not None:
            damage += await _damage_of_image(device, head.spare, route)
        span = known.spans[route]
        if span is not None and span.oldest.sequence < span.base.sequence:
            span = Span(base_of(head.spare, route), base_of(head.checkpoint, route))
            segments = await device.log.read(route, span.oldest)
            links = {n: each.link for each in segments if (n := segment.sequence_of(each.key))}
            damage += damage_of(route, faults_of_spare(links, span))
    return damage


async def _damage_of_image(device: Durable, checkpoint: Checkpoint, route: Route) -> list[Damage]:
    tables = Tables()
    try:
        await device.images.load(tables, checkpoint, route)
    except TrustError:
        key = piece_key(checkpoint.slot, route, 0)
        return [Damage(CHECKPOINT, key, key, "seal-broken")]
    finally:
        tables.close()
    return []


def _of_pointers(dump: Dump, head: Head) -> list[Damage]:
    """Compare the pointers in clear with those of the head, with which they are always written."""
    if dump.stores[META].get(PLAIN_IMAGES) in (None, plain_images_to_bytes(head)):
        return []
    return [Damage(META, PLAIN_IMAGES, PLAIN_IMAGES, "other-history")]


def _crypto_with(folder: Path, key: bytes) -> Crypto:
    """Return the native host's crypto, whose root key this is; its folder is its own."""
    try:
        from edge_runtime.host.native.crypto import FileCrypto
    except ImportError as error:
        raise ToolError(
            f"--key: expected the packages of the native host, got {error}. Install them: "
            "pip install 'edge-web-runtime[dev]'."
        ) from error
    for name in (ROOT, OLD_ROOT):
        (folder / f"{name}.key").write_bytes(key)
    return FileCrypto(folder)


def _nothing(problem: str) -> Opened:
    return Opened(False, None, {}, {}, None, {}, [problem])


def _of_heads(reason: str) -> Damage:
    return Damage(META, HEADS[0], HEADS[-1], reason)


def _rows(tables: Tables, route: Route) -> Rows:
    return Rows(tables.count(route, "events"), tables.count(route, "keys"))
