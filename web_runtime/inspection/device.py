"""A dump as a device in memory, on which the core's own parts run; the dump stays as it is."""

from edge_runtime.config import LIMITS
from edge_runtime.host.ports import Crypto
from edge_runtime.pure.head import KEY_LIMITS
from edge_runtime.services.store_disk import DATABASE
from edge_runtime.services.store_durable import Durable, create_durable
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.fake_storage import FakeDisk

from .dump import Dump


async def device_of(dump: Dump, crypto: Crypto | None = None) -> Durable:
    """Return the durable side of a store on a copy of the dump, opened.

    Args:
        dump: What is stored.
        crypto: Has the root key; None opens nothing that is sealed.
    """
    records = {store: dict(each) for store, each in dump.stores.items()}
    host = create_fake_host(FakeDisk(databases={DATABASE: records}))
    crypto = host.crypto if crypto is None else crypto
    for name, data in dump.notes.items():
        await crypto.write_note(name, data)
    durable = create_durable(host.clock, host.storage, crypto, LIMITS, KEY_LIMITS)
    await durable.disk.open()
    return durable
