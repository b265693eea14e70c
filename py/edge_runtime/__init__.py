"""An on-device AI runtime: page events trigger Python tasks that run models, on the device.

::

    runtime ─▶ services/* ─▶ pure/*, host/ports ─▶ config, tensor, types, errors
    host/browser, host/native, testing  implement the ports; only they touch the outside

Task authors import :mod:`edge_runtime.task`; everything else is the runtime's own.
"""
