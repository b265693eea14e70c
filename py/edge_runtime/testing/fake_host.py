"""Every port in memory, on the standard library alone, for tests of the core and of tasks.

::

    host = create_fake_host()
    host.network.files["https://shop.test/tasks/rank.edge"] = bundle
    runtime = Runtime(host, config, "https://shop.test/")
    await host.clock.advance(50)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import ConfigError, HostError
from ..host.no_machines import NoMachines
from ..host.ports import Clock, Host, Wheel
from ..pure.egress import Request
from ..tensor import Tensor
from ..types import WHOLE, Crop, Fit, JsonValue, Response
from .fake_inference import FakeInference
from .fake_storage import FakeCrypto, FakeDisk, FakeStorage, Steps
from .manual_clock import ManualClock


class FakeNetwork:
    """Implements ``Network`` over ``files``; ``delays_ms`` makes a URL slow, by the clock.

    What is in ``cached`` is returned unless it is to be fresh.

    Attributes:
        servers: Answer requests whose URL begins with their key, in place of ``files``.
        sent: What ``request`` was given.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.files: dict[str, bytes] = {}
        self.cached: dict[str, bytes] = {}
        self.delays_ms: dict[str, float] = {}
        self.unreachable: set[str] = set()
        self.requests: list[str] = []
        self.servers: dict[str, Callable[[Request], Response]] = {}
        self.sent: list[Request] = []

    async def fetch(
        self, url: str, *, max_bytes: int, timeout_ms: float, fresh: bool = False
    ) -> bytes:
        """Return the file at ``url``."""
        self.requests.append(url)
        await self._reached(url, timeout_ms)
        files = self.files if fresh else {**self.files, **self.cached}
        if url not in files:
            raise _failed(url, 404, "status 200", "404")
        body = files[url]
        if len(body) > max_bytes:
            raise _failed(url, 200, f"at most {max_bytes} bytes", str(len(body)))
        return body

    async def request(
        self,
        url: str,
        *,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None,
        max_bytes: int,
        timeout_ms: float,
    ) -> Response:
        """Return what the server of ``url`` answers; without one, the file there."""
        request = Request(url, method, headers, body)
        self.sent.append(request)
        await self._reached(url, timeout_ms)
        serve = (each for base, each in self.servers.items() if url.startswith(base))
        response = next(serve, self._file)(request)
        if 300 <= response.status < 400 and "location" in response.headers:
            raise _failed(url, None, "an answer", "a redirect")
        if len(response.body) > max_bytes:
            raise _failed(url, response.status, f"at most {max_bytes} bytes", "more")
        return response

    def _file(self, request: Request) -> Response:
        found = self.files.get(request.url)
        return Response(404, {}, b"") if found is None else Response(200, {}, found)

    async def _reached(self, url: str, timeout_ms: float) -> None:
        delay_ms = self.delays_ms.get(url, 0.0)
        if delay_ms:
            await self._clock.sleep_ms(min(delay_ms, timeout_ms))
        if url in self.unreachable or delay_ms > timeout_ms:
            raise _failed(url, None, "an answer", "none")


class FakeImages:
    """Implements ``Images`` for one format, binary PPM (P6, 8 bits), by nearest neighbour."""

    async def decode(
        self, data: bytes, *, width_px: int, height_px: int, fit: Fit = "cover", crop: Crop = WHOLE
    ) -> Tensor:
        """Crop and resize."""
        header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        width, height = (int(header[1]), int(header[2])) if header else (0, 0)
        pixels = data[header.end() :] if header else b""
        if not width or len(pixels) != width * height * 3:
            raise ConfigError(
                "argument-invalid", f"picture: expected P6 pixels, got {len(data)} other bytes."
            )
        left, top = crop[0] * width, crop[1] * height
        part_width, part_height = crop[2] * width - left, crop[3] * height - top
        if fit == "contain":
            scale = min(width_px / part_width, height_px / part_height)
            width_px = max(1, int(part_width * scale + 0.5))
            height_px = max(1, int(part_height * scale + 0.5))
            columns = _spread(left, part_width, part_width, width_px)
            rows = _spread(top, part_height, part_height, height_px)
        else:
            columns = _spread(left, part_width, part_height * width_px / height_px, width_px)
            rows = _spread(top, part_height, part_width * height_px / width_px, height_px)
        starts = (3 * (row * width + column) for row in rows for column in columns)
        cropped = b"".join(pixels[start : start + 3] for start in starts)
        return Tensor("uint8", (height_px, width_px, 3), cropped)


class FakeInterpreter:
    """Implements ``Interpreter``: interrupts nothing, keeps what it is told.

    Attributes:
        watched: Address and time of every ``watch``.
        heap_size: Answer of ``heap_bytes``.
        available: Packages that need no wheel.
        installed: Names of what was installed.
        is_shared: As tests run beside it, what tasks change of the library stays changed.
    """

    def __init__(self) -> None:
        self.is_shared = True
        self.watched: list[tuple[int, float]] = []
        self.heap_size = 0
        self.available: set[str] = set()
        self.installed: list[str] = []

    def watch(self, address: int, now_ms: float) -> None:
        """Keep them."""
        self.watched.append((address, now_ms))

    def heap_bytes(self) -> int:
        """Return ``heap_size``."""
        return self.heap_size

    async def install(self, name: str, wheel: Wheel | None) -> None:
        """Note the name, or refuse one that is neither given nor available."""
        if wheel is None and name not in self.available:
            raise HostError(
                "feature-missing",
                f"package {name}: expected one of {sorted(self.available)} or a wheel, got none.",
                {"packages": [name]},
            )
        self.installed.append(name)


class FakePage:
    """Implements ``Page``: keeps what it is told.

    Attributes:
        notices: Name and body of every notice.
        clients: Whom each notice is for; None: every tab.
        superseded_calls: How often it heard that another tab's worker writes.
        replace_reasons: Why it was to replace the worker, each time.
        watched: What it was told of runs: id, task, asker and the time left, each time.
    """

    def __init__(self) -> None:
        self.notices: list[tuple[str, Mapping[str, JsonValue]]] = []
        self.clients: list[str | None] = []
        self.superseded_calls = 0
        self.replace_reasons: list[str] = []
        self.watched: list[tuple[str, str, int | str | None, float | None]] = []

    def notify(self, name: str, body: Mapping[str, JsonValue], client: str | None = None) -> None:
        """Keep the notice."""
        self.notices.append((name, body))
        self.clients.append(client)

    def superseded(self) -> None:
        """Count the call."""
        self.superseded_calls += 1

    def replace_worker(self, reason: str) -> None:
        """Keep the reason."""
        self.replace_reasons.append(reason)

    def watch_run(
        self, run_id: str, task_name: str, asker: int | str | None, left_ms: float | None
    ) -> None:
        """Keep it."""
        self.watched.append((run_id, task_name, asker, left_ms))

    def named(self, name: str) -> list[Mapping[str, JsonValue]]:
        """Return the bodies of all notices called ``name``."""
        return [body for each, body in self.notices if each == name]


@dataclass(frozen=True)
class FakeHost(Host):
    """A host whose ports have their tests' handles on them."""

    clock: ManualClock
    storage: FakeStorage
    crypto: FakeCrypto
    network: FakeNetwork
    inference: FakeInference
    images: FakeImages
    machines: NoMachines
    interpreter: FakeInterpreter
    page: FakePage
    disk: FakeDisk


def create_fake_host(disk: FakeDisk | None = None, clock: ManualClock | None = None) -> FakeHost:
    """Return a new host; give it the disk and clock of another to restart on the same device."""
    disk = disk or FakeDisk()
    clock = clock or ManualClock()
    steps, network = Steps(), FakeNetwork(clock)
    return FakeHost(
        clock=clock,
        storage=FakeStorage(disk, steps),
        crypto=FakeCrypto(disk, steps),
        network=network,
        inference=FakeInference(clock, network),
        images=FakeImages(),
        machines=NoMachines(),
        interpreter=FakeInterpreter(),
        page=FakePage(),
        description={"userAgent": "fake"},
        disk=disk,
    )


def _spread(start: float, size: float, wanted: float, count: int) -> list[int]:
    """Return ``count`` positions over the middle ``wanted`` of ``size``, which begins at start."""
    kept = min(size, wanted)
    return [int(start + (size - kept) / 2 + kept * (i + 0.5) / count) for i in range(count)]


def _failed(url: str, status: int | None, expected: str, got: str) -> HostError:
    return HostError(
        "network-failed",
        f"{url}: expected {expected}, got {got}. Check the URL and the connection.",
        {"url": url, "status": status},
    )
