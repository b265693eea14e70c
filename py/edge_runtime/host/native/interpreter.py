"""CPython as an interpreter of tasks' code."""

import _thread
import atexit
import ctypes
import importlib
import io
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from importlib.util import find_spec
from typing import Final

from ...errors import HostError
from ..ports.machines import Wheel

POLL_S: Final = 0.02
# The handler must not be interrupted by what it handles.
RESPITE_S: Final = 0.05


class NativeInterpreter:
    """Implements ``Interpreter``: a thread looks at the deadline and interrupts the main thread."""

    is_shared = True

    def __init__(self) -> None:
        self._watching: threading.Event | None = None
        self._unpacked: str | None = None

    def watch(self, address: int, now_ms: float) -> None:
        """Watch the deadline; the heap's cap is left to the operating system.

        In another thread than the main one it does nothing: signals reach that one alone.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        if self._watching is not None:
            self._watching.set()
        self._watching = over = threading.Event()
        cell = ctypes.c_double.from_address(address)
        ahead_ms = now_ms - time.monotonic() * 1000

        def poll() -> None:
            while not over.wait(POLL_S):
                if cell.value and time.monotonic() * 1000 + ahead_ms >= cell.value:
                    _thread.interrupt_main()
                    over.wait(RESPITE_S)

        threading.Thread(target=poll, name="edge-deadline", daemon=True).start()

    def heap_bytes(self) -> int:
        """Return 0: the process has more in it than this interpreter."""
        return 0

    async def install(self, name: str, wheel: Wheel | None) -> None:
        """Unpack a wheel where only this process looks; of others, check that they are here."""
        if wheel is not None:
            self._unpack(name, wheel)
        elif find_spec(name.replace("-", "_")) is None:
            raise HostError(
                "feature-missing",
                f"package {name}: expected an installed one, got none. Install it.",
                {"packages": [name]},
            )

    def _unpack(self, name: str, wheel: Wheel) -> None:
        if self._unpacked is None:
            self._unpacked = tempfile.mkdtemp(prefix="edge-packages-")
            atexit.register(shutil.rmtree, self._unpacked, ignore_errors=True)
            # What was locked counts, not what happens to be installed.
            sys.path.insert(0, self._unpacked)
        try:
            with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
                archive.extractall(self._unpacked)
        except (zipfile.BadZipFile, OSError) as error:
            raise HostError(
                "feature-missing",
                f"package {name}: expected a wheel, got {wheel.file}, which fails: {error}. "
                "Pack the task again.",
                {"packages": [name]},
            ) from error
        importlib.invalidate_caches()
