"""The store's part of ``statistics()``, for people and tests."""

from collections.abc import Mapping

from ..pure.head import Checkpoint
from ..pure.rolling_window import RollingWindow
from ..pure.segment import ROUTES
from ..types import JsonValue
from .store_commit import GroupCommit
from .store_durable import Durable
from .store_keeper import Keeper
from .store_tables import Tables
from .store_writer import Writer


def store_report(
    writer: Writer,
    commits: GroupCommit,
    keeper: Keeper,
    tables: Tables,
    query_ms: RollingWindow,
    open_ms: float | None,
) -> dict[str, JsonValue]:
    """Return what ``docs/reference.md`` describes under ``store``."""
    last_error = commits.last_error or keeper.last_error
    report: dict[str, JsonValue] = {
        "mode": writer.mode.value,
        "events": sum(tables.count(route, "events") for route in ROUTES),
        "keys": sum(tables.count(route, "keys") for route in ROUTES),
        **_durable_part(writer.durable),
        "openMs": open_ms,
        "pendingOps": commits.pending_operations,
        "lastCommitMs": commits.last_commit_ms,
        "queryUs": {
            f"p{share}": _microseconds(query_ms.percentile(share / 100)) for share in (50, 99)
        },
        "quarantined": [damage.to_dict() for damage in writer.damage],
        "droppedEvents": commits.dropped_events,
        "purgedEvents": keeper.purged_events,
    }
    for name, error in (("reason", writer.reason), ("lastError", last_error)):
        if error is not None:
            report[name] = error.to_dict()
    return report


def _durable_part(durable: Durable | None) -> Mapping[str, JsonValue]:
    if durable is None:
        return {"segments": 0, "bytes": 0, "generation": 0, "checkpoint": None}
    head = durable.heads.head
    images = sum(each.size_bytes for each in (head.checkpoint, head.spare) if each is not None)
    return {
        "segments": durable.log.segments,
        "bytes": durable.log.size_bytes + images,
        "generation": durable.disk.generation,
        "checkpoint": _checkpoint(head.checkpoint, durable.checkpoints.last_ms),
    }


def _checkpoint(checkpoint: Checkpoint | None, duration_ms: float | None) -> JsonValue:
    if checkpoint is None:
        return None
    return {
        "createdMs": checkpoint.created_ms,
        "bytes": checkpoint.size_bytes,
        "rows": sum(image.rows for image in checkpoint.images.values()),
        "durationMs": duration_ms,
    }


def _microseconds(duration_ms: float | None) -> float | None:
    return None if duration_ms is None else round(duration_ms * 1000, 1)


def store_condition(writer: Writer) -> dict[str, JsonValue]:
    """Return what a page is told when the mode changes."""
    reason = writer.reason
    return {
        "mode": writer.mode.value,
        **({} if reason is None else {"reason": reason.to_dict()}),
        "problems": [error.to_dict() for error in writer.problems],
    }
