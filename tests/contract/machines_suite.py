"""What every host must do about interpreters and VMs, with or without any."""

import sys

from edge_runtime.errors import HostError
from edge_runtime.host.ports import Host

MEMORY_BYTES = 256 * 1024 * 1024


async def check_a_vm_starts_where_there_are_any_and_is_refused_elsewhere(host: Host) -> None:
    ended: list[str] = []
    try:
        machine = await host.machines.start(
            memory_bytes=MEMORY_BYTES, receive=lambda _text, _buffers: None, ended=ended.append
        )
    except HostError as error:
        assert not host.machines.is_available
        assert error.code == "feature-missing"
        return
    assert host.machines.is_available
    machine.kill()
    machine.post("{}", [b"after its end"])
    machine.kill()
    assert ended == []


async def check_a_package_that_is_not_shipped_is_refused(host: Host) -> None:
    try:
        await host.machines.shipped("no-such-package")
    except HostError as error:
        assert error.code == "feature-missing"
        return
    raise AssertionError("expected a refusal")


async def check_a_package_that_is_nowhere_is_not_installed(host: Host) -> None:
    try:
        await host.interpreter.install("no-such-package", None)
    except HostError as error:
        assert error.code == "feature-missing"
        assert error.details["packages"] == ["no-such-package"]
        return
    raise AssertionError("expected a refusal")


async def check_the_heap_has_a_size_or_none_is_known(host: Host) -> None:
    assert host.interpreter.heap_bytes() >= 0
    assert host.interpreter.is_shared is (sys.platform != "emscripten")
