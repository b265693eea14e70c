"""Keeps a trace of a running runtime, for development; see ``testing/trace_lines``."""

import json
from collections import deque
from typing import Final

from ..host.ports import Clock
from ..types import JsonValue

_CLOCK_SET_MS: Final = 1_000.0


class Recorder:
    """Implements ``Journal``: the latest lines, as JSONL.

    Args:
        clock: Dates the lines; a device's clock that was set is a line of its own.
        max_lines, max_chars: The oldest are dropped above either, but never the first, which names
            the tasks.

    Attributes:
        dropped: Lines dropped so far.
    """

    def __init__(self, clock: Clock, max_lines: int = 100_000, max_chars: int = 32 * 2**20) -> None:
        self._clock = clock
        self._max_lines = max_lines
        self._max_chars = max_chars
        self._began_ms = clock.monotonic_ms()
        self._ahead_ms = clock.now_ms() - self._began_ms
        self._first = ""
        self._lines: deque[str] = deque()
        self._chars = 0
        self.dropped = 0

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Keep one line, and a line before it if the device's clock was set."""
        now_ms = self._clock.monotonic_ms()
        ahead_ms = self._clock.now_ms() - now_ms
        if abs(ahead_ms - self._ahead_ms) > _CLOCK_SET_MS:
            self._ahead_ms = ahead_ms
            self._keep(now_ms, "clock", {"nowMs": self._clock.now_ms()})
        self._keep(now_ms, kind, fields)

    def jsonl(self) -> str:
        """Return the trace."""
        return "".join(f"{line}\n" for line in (self._first, *self._lines) if line)

    def _keep(self, now_ms: float, kind: str, fields: dict[str, JsonValue]) -> None:
        at_ms = round(now_ms - self._began_ms, 3)
        line = json.dumps({"atMs": at_ms, "kind": kind, **fields}, separators=(",", ":"))
        self._chars += len(line)
        if not self._first:
            self._first = line
            return
        self._lines.append(line)
        while self._lines and (
            len(self._lines) >= self._max_lines or self._chars > self._max_chars
        ):
            self._chars -= len(self._lines.popleft())
            self.dropped += 1
