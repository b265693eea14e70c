"""What tasks print and log, with the task and the run it came from."""

import logging
import sys
from collections.abc import Callable
from typing import Any, Final, TextIO

from ..pure.log_lines import LOG_CHARS
from .pace import CURRENT

Tell = Callable[[str, str, str, str], None]
"""Gets level, message, task name and run id."""

_LEVELS: Final = ((logging.ERROR, "error"), (logging.WARNING, "warning"), (logging.INFO, "info"))


def hear_logging() -> None:
    """Tell records of tasks from INFO on; twice is no more than once."""
    logging.root.addHandler(_HANDLER)
    logging.root.setLevel(min(logging.root.level, logging.INFO))


class Output:
    """Takes over ``print`` and the standard streams while a run's code is at it.

    Args:
        tell: Gets whole lines of tasks; what is not a task's goes where it went before.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def install(self) -> None:
        """Stand in for the streams of the interpreter, for good, and hear its logging."""
        sys.stdout = _Stream(self, "info", sys.stdout)
        sys.stderr = _Stream(self, "warning", sys.stderr)
        hear_logging()

    def print(self, *values: object, file: Any = None, sep: str = " ", **rest: Any) -> None:
        """Stand in for ``print``: one line of the run, unless it goes to a file of the task's."""
        if CURRENT.get() is None or file not in (None, sys.stdout, sys.stderr):
            print(*values, file=file, sep=sep, **rest)
        else:
            level = "warning" if file is not None and file is sys.stderr else "info"
            self.say(level, (" " if sep is None else sep).join(map(str, values)))

    def say(self, level: str, text: str) -> None:
        """Tell a line of the run at hand."""
        budget = CURRENT.get()
        line = None if budget is None else budget.lines.next(text, level)
        if budget is not None and line is not None:
            self._tell(line["level"], line["message"], budget.task_name, budget.run_id)


class _Stream:
    """A text stream: whole lines of runs are told, the rest passes on."""

    def __init__(self, output: Output, level: str, before: TextIO) -> None:
        self._output = output
        self._level = level
        self._before = before
        self._begun = ""

    def write(self, text: str) -> int:
        if CURRENT.get() is None:
            return self._before.write(text)
        *lines, self._begun = (self._begun + text).split("\n")
        # What never ends its line is not to grow for ever.
        if len(self._begun) > LOG_CHARS:
            lines, self._begun = [*lines, self._begun], ""
        for line in lines:
            self._output.say(self._level, line)
        return len(text)

    def flush(self) -> None:
        if self._begun and CURRENT.get() is not None:
            self._output.say(self._level, self._begun)
            self._begun = ""
        self._before.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._before, name)


class _Handler(logging.Handler):
    """One for all rooms of the process: a run knows where its lines go."""

    def emit(self, record: logging.LogRecord) -> None:
        budget = CURRENT.get()
        if budget is not None and budget.say is not None:
            level = next((name for least, name in _LEVELS if record.levelno >= least), "debug")
            budget.say(level, f"{record.name}: {self.format(record)}")
        elif logging.lastResort and record.levelno >= logging.lastResort.level:
            # Where a root logger without handlers sends what the runtime and its libraries say.
            logging.lastResort.handle(record)


_HANDLER: Final = _Handler()
