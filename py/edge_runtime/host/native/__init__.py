"""The host under CPython: files, onnxruntime and Pillow, for tests, replay and measurements."""

from collections.abc import Callable, Mapping
from pathlib import Path

from ...types import JsonValue
from ..no_machines import NoMachines
from ..ports import Host
from .clock import SystemClock
from .crypto import FileCrypto
from .images import PillowImages
from .inference import OnnxInference
from .interpreter import NativeInterpreter
from .network import FileNetwork
from .storage import SqliteStorage

OnNotice = Callable[[str, Mapping[str, JsonValue]], None]


class CallbackPage:
    """Implements ``Page`` with a function, which is every client's."""

    def __init__(self, on_notice: OnNotice | None) -> None:
        self._on_notice = on_notice

    def notify(self, name: str, body: Mapping[str, JsonValue], client: str | None = None) -> None:
        """Call the function, if there is one."""
        if self._on_notice is not None:
            self._on_notice(name, body)

    def superseded(self) -> None:
        """Do nothing: the store's own state says so too, and there is no other tab to turn to."""

    def replace_worker(self, reason: str) -> None:
        """Tell of it in the log: this process is the caller's."""
        self.notify("log", {"level": "error", "message": f"{reason}. Start another process."})

    def watch_run(
        self, run_id: str, task_name: str, asker: int | str | None, left_ms: float | None
    ) -> None:
        """Do nothing: nobody beside this process looks after it."""


def create_native_host(
    directory: Path | None = None,
    *,
    root: Path | None = None,
    on_notice: OnNotice | None = None,
) -> Host:
    """Return a host for one runtime.

    Args:
        directory: Where data and keys are kept; None keeps both in memory.
        root: The folder that paths and ``file:`` URLs may be under; None allows http alone.
        on_notice: Gets what a page would get: name and body of every notice.
    """
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
    network = FileNetwork(root)
    return Host(
        clock=SystemClock(),
        storage=SqliteStorage(directory),
        crypto=FileCrypto(directory),
        network=network,
        inference=OnnxInference(network),
        images=PillowImages(),
        machines=NoMachines(),
        interpreter=NativeInterpreter(),
        page=CallbackPage(on_notice),
        description={"userAgent": "CPython"},
    )
