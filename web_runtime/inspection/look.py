"""The whole look at a dump: without the key what records say in clear, with it the core's word."""

from dataclasses import replace

from edge_runtime.pure.damage import Damage
from edge_runtime.pure.segment import ROUTES
from edge_runtime.services.store_afresh import Afresh
from edge_runtime.services.store_disk import CHECKPOINT
from edge_runtime.services.store_durable import Durable
from edge_runtime.services.store_tables import Tables

from .device import device_of
from .dump import Dump
from .images import look_at_images
from .known import Known, known_of
from .logs import LogLook, look_at_log
from .meta import MetaLook, faults_of_meta, look_at_meta
from .opened import open_with_key
from .report import Report, Rows, sizes_of


async def look(dump: Dump) -> Report:
    """Judge a dump without the key."""
    device = await device_of(dump)
    meta = await look_at_meta(dump, device)
    known = known_of(dump, meta)
    logs, log_damage = _look_at_logs(dump, meta, known)
    images, image_damage = look_at_images(dump.stores[CHECKPOINT], known)
    return Report(
        source=dump.source,
        taken_ms=dump.taken_ms,
        root_keys=dump.keys,
        stores={
            store: sizes_of(records, dump.other.get(store, {}))
            for store, records in dump.stores.items()
        },
        meta=meta,
        logs=logs,
        images=images,
        plain=await _plain_rows(device),
        opened=None,
        damage=[*faults_of_meta(dump, meta), *log_damage, *image_damage],
    )


async def look_with_key(dump: Dump, key: bytes) -> Report:
    """Judge a dump with its root key; what the core proved replaces what was only seen."""
    report = await look(dump)
    known = known_of(dump, report.meta)
    opened, damage = await open_with_key(dump, key, known)
    seen = [
        each
        for each in report.damage
        if not (opened.is_proven and each.store in ROUTES) and not _is_among(each, damage)
    ]
    return replace(report, opened=opened, damage=damage + seen)


def _look_at_logs(
    dump: Dump, meta: MetaLook, known: Known
) -> tuple[dict[str, LogLook], list[Damage]]:
    looks: dict[str, LogLook] = {}
    damage: list[Damage] = []
    for route in ROUTES:
        looks[route], faults = look_at_log(
            route, dump.stores[route], known.spans[route], may_be_old=not meta.is_begun
        )
        damage += faults
    return looks, damage


async def _plain_rows(device: Durable) -> Rows:
    """Count what needs no key to be read, as the core does at a start whose key is lost."""
    tables = Tables("plain")
    try:
        await Afresh(device).salvage_plain(tables)
        return Rows(tables.count("plain", "events"), tables.count("plain", "keys"))
    finally:
        tables.close()


def _is_among(seen: Damage, proven: list[Damage]) -> bool:
    return any(
        each.store == seen.store and each.first <= seen.last and seen.first <= each.last
        for each in proven
    )
