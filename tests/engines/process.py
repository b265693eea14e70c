"""Child processes of a test session: they tell when they are up, and end with all they started."""

import os
import queue
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence

from .driver import EngineError

START_S = 60.0
END_S = 10.0
KEPT_LINES = 20


class Process:
    """A program in a process group of its own, which ends as a whole.

    Args:
        command: The program and its arguments.
        env: Its environment.
        tells: Expression for the line that says it is up; :attr:`told` is its first group.

    Raises:
        EngineError: It ended, or was not up in ``START_S``.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], tells: str) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._up: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        # Read to the end: a full pipe would stop the program.
        self._reader = threading.Thread(target=self._read, args=(re.compile(tells),), daemon=True)
        self._reader.start()
        self.told = self._await(command[0])

    def is_alive(self) -> bool:
        """Say whether the program still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the program and all of its group."""
        end_group(self._process)
        self._reader.join(END_S)

    def _read(self, tells: re.Pattern[str]) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.append(line)
                if found := tells.search(line):
                    self._up.put(found[1])
        self._up.put(None)

    def _await(self, name: str) -> str:
        try:
            told = self._up.get(timeout=START_S)
        except queue.Empty:
            told = None
        if told is None:
            self.end()
            raise EngineError(f"{name}: expected it to start, got:\n{''.join(self._lines)}")
        return told


def end_group(process: "subprocess.Popen[str]") -> None:
    """End a process that leads its group, and the group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            continue
    process.wait(END_S)
