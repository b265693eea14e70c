"""Prints a report for people. Names are somebody's bytes: they are escaped, never interpreted."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from edge_runtime.services.store_disk import QUARANTINE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .report import Opened, Report, Rows

_MOST_LINES: Final = 20
_NAME_CHARS: Final = 48


def print_report(report: Report, console: Console) -> None:
    """Print everything, the verdict last."""
    _line(console, f"{escape(_ascii(report.source))}, {_time(report.taken_ms)}")
    named = ", ".join(map(shown, report.root_keys)) or "none"
    _line(console, f"root keys: {named} (a browser's cannot be exported, only named)\n")
    console.print(_stores(report))
    console.print(_logs(report))
    if report.images:
        console.print(_images(report))
    for line in (*_meta(report), *_contents(report)):
        _line(console, line)
    if report.opened is not None:
        for line in _opened(report.opened):
            _line(console, line)
    _print_verdict(report, console)


def shown(text: str) -> str:
    """Return a name as printable ASCII of bearable length, without markup."""
    plain = _ascii(text)
    return escape(plain if len(plain) <= _NAME_CHARS else f"{plain[:_NAME_CHARS]}…")


def _stores(report: Report) -> Table:
    table = _table("store", "records", "bytes", "smallest", "largest", "no records")
    for store, sizes in report.stores.items():
        other = ", ".join(f"{count} × {shown(kind)}" for kind, count in sizes.other.items())
        figures = (sizes.records, sizes.bytes, sizes.smallest_bytes, sizes.largest_bytes)
        table.add_row(shown(store), *map(_figure, figures), other)
    return table


def _logs(report: Report) -> Table:
    table = _table("log", "records", "first", "last", "linked", "missing", "misplaced", "schema 1")
    for route, log in report.logs.items():
        missing = sum(last - first + 1 for first, last in log.gaps)
        figures = (log.records, log.first, log.last, log.linked, missing, log.out_of_place)
        table.add_row(route, *map(_figure, (*figures, log.old_schema)))
    return table


def _images(report: Report) -> Table:
    table = _table("checkpoint", "pieces", "linked", "bytes", "version", "use")
    for image in report.images:
        pieces = f"{image.pieces} of {image.expected}" if image.expected else f"{image.pieces}"
        versions = ", ".join(map(str, image.versions))
        figures = (pieces, _figure(image.linked), _figure(image.size_bytes), versions)
        table.add_row(f"{image.slot}-{image.route}", *figures, image.use)
    return table


def _meta(report: Report) -> Iterable[str]:
    meta = report.meta
    heads = ", ".join(f"{row} version {version}" for row, version in meta.heads.items())
    yield f"writer: {'none' if meta.writer is None else f'generation {meta.writer}'}"
    yield f"heads: {heads or 'none'}"
    yield f"tail: {'none' if meta.tail is None else f'written by generation {meta.tail}'}"
    yield f"anchor: {'sealed' if meta.has_anchor else 'none'}"
    if meta.is_erasing:
        yield "everything is being deleted; the next start finishes that"
    for route, log in report.logs.items():
        if log.generations is not None:
            first, last = log.generations
            yield f"{route} segments: generations {first} to {last}"
    yield from _data_keys(report)
    if moved := report.stores[QUARANTINE].records:
        yield f"quarantine: {moved} records moved aside by former starts"


def _data_keys(report: Report) -> Iterable[str]:
    segments, pieces = Counter[str](), Counter[str]()
    for log in report.logs.values():
        segments.update(log.key_ids)
    for image in report.images:
        pieces.update(image.key_ids)
    for key_id in segments | pieces:
        yield f"data key {shown(key_id)}: segments {segments[key_id]}, pieces {pieces[key_id]}"


def _contents(report: Report) -> Iterable[str]:
    pieces = sum(each.size_bytes for each in report.images if each.route == "sealed")
    sealed = report.stores["sealed"].bytes + pieces
    yield f"sealed content: sealed, {sealed:,} bytes"
    yield f"plain content: {_rows(report.plain)} ({_word_for_plain(report)})"


def _word_for_plain(report: Report) -> str:
    is_proven = report.opened is not None and report.opened.is_proven
    return "as far as it can be read" if is_proven else "unproven without the key"


def _opened(opened: Opened) -> Iterable[str]:
    if opened.head_version is None and not opened.rows:
        yield f"with the key: nothing opens ({', '.join(opened.problems)})"
        return
    for route, rows in opened.rows.items():
        yield f"with the key: {route}: {_rows(rows)}"
    if opened.head_version is not None:
        ids = ", ".join(f"{shown(key)} ({_time(ms)})" for key, ms in opened.data_keys.items())
        tail = ", ".join(f"{route} {number}" for route, number in opened.tail.items()) or "unknown"
        yield f"  head version {opened.head_version}, last segments: {tail}"
        yield f"  checkpoint {_time(opened.checkpoint_ms)}, data keys: {ids}"
    if opened.problems:
        yield f"  a start would tell its page: {', '.join(opened.problems)}"


def _print_verdict(report: Report, console: Console) -> None:
    if report.is_sound:
        proven = report.opened is not None
        word = (
            "sound" if proven else "no damage to be seen; what is sealed needs --key to be proven"
        )
        console.print(f"\n[green]{word}[/green]", soft_wrap=True)
        return
    table = _table("damage", "from", "to", "what", justify="left")
    for each in report.damage[:_MOST_LINES]:
        table.add_row(shown(each.store), shown(each.first), shown(each.last), shown(each.reason))
    console.print()
    console.print(table)
    more = len(report.damage) - _MOST_LINES
    if more > 0:
        _line(console, f"and {more} more (--json lists all)")
    console.print(f"[red]damage in {len(report.damage)} places[/red]", soft_wrap=True)


def _table(first: str, *columns: str, justify: str = "right") -> Table:
    table = Table(box=None, pad_edge=False, title_justify="left")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right" if justify == "right" else "left")
    return table


def _ascii(text: str) -> str:
    return ascii(text)[1:-1]


def _line(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True)


def _figure(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _rows(rows: Rows) -> str:
    return f"events {rows.events:,}, keys {rows.keys:,}"


def _time(unix_ms: float | None) -> str:
    if unix_ms is None:
        return "no time noted"
    try:
        return f"{datetime.fromtimestamp(unix_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{unix_ms:g} ms"
