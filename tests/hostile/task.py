"""The task that is made of probes: each is a function, and a run names the one that it wants."""

import textwrap
from collections.abc import Mapping
from typing import Final

from .side_module import side_module

# What probes share: every way to the interpreter that needs no import, and a walk over all that
# can be reached from the runtime's own frames.
PRELUDE: Final = '''
import array, asyncio, codecs, json, logging, os, random, re, types

SYS = logging.sys

def frames():
    frame = SYS._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back

def vm():
    """The guest itself."""
    return next(each.f_locals["self"] for each in frames() if each.f_code.co_qualname == "Vm._run")

def inside(value):
    kind = type(value)
    if kind in (dict, types.MappingProxyType):
        return [*value.keys(), *value.values()]
    if kind in (list, tuple, set, frozenset):
        return [*value]
    if isinstance(value, types.FunctionType):
        cells = [each.cell_contents for each in value.__closure__ or () if each != types.CellType()]
        return [value.__globals__, value.__defaults__, value.__kwdefaults__, vars(value), *cells]
    if isinstance(value, types.MethodType):
        return [value.__self__, value.__func__]
    if isinstance(value, types.ModuleType):
        return [vars(value)] if value.__name__.partition(".")[0] not in BORING else []
    if isinstance(value, asyncio.Future):
        return [value.result()] if value.done() and not value.exception() else []
    slots = [getattr(value, each, None) for each in getattr(kind, "__slots__", ())]
    return [*slots, getattr(value, "__dict__", None), kind if hasattr(kind, "__dict__") else None]

BORING = SYS.stdlib_module_names - {"builtins", "__main__", "linecache"}

def reached(limit=200_000):
    """Everything that can be reached from frames and modules."""
    queue = [SYS.modules]
    for each in frames():
        queue += [dict(each.f_locals), each.f_globals]
    seen = {}
    while queue and len(seen) < limit:
        value = queue.pop()
        if id(value) in seen or value is None:
            continue
        seen[id(value)] = value
        if not is_proxy(value):
            try:
                queue.extend(inside(value))
            except Exception:
                pass
    return [*seen.values()]

def is_proxy(value):
    return "JsProxy" in type(value).__name__ or "JsProxy" in str(type(value).__mro__)

def proxies():
    """Every object of JavaScript that Python holds."""
    found = [each for each in reached() if is_proxy(each) and not isinstance(each, type)]
    assert found, "no object of JavaScript is to be had"
    return found

def run_globals(name):
    """The globals of another task, by way of the runtime's own objects."""
    tenants = [each.result() for each in vm()._tenants.values() if each.done()]
    return next(each.function for each in tenants if each.brief.name == name).__globals__
'''
ENTRY: Final = """
async def run(ctx, activation):
    ext = {**activation.ext_data, "me": activation.run_id}
    return await PROBES[ext["probe"]](ctx, ext)
"""


CONTROLS: Final = {
    "the realm's clock": """
for each in proxies():
    try:
        return each.performance.now()
    except AttributeError:
        continue
raise LookupError""",
    "the guest": "return type(vm()).__name__",
    "many objects": "return len(reached())",
    # What no guard is meant to prevent: frames lead to all that the guest holds.
    "another task's secret": "return run_globals('Keeper')['SECRET']",
}
"""What must succeed, so that the failure of all others means something."""


def source_of(probes: Mapping[str, str]) -> str:
    """Return the main.py of a task with these probes."""
    functions = [
        f"async def probe_{number}(ctx, ext):\n{textwrap.indent(body.strip(), '    ')}\n"
        for number, body in enumerate(probes.values())
    ]
    table = ", ".join(f"{name!r}: probe_{number}" for number, name in enumerate(probes))
    library = f"SIDE_MODULE = {side_module()!r}\n"
    return "\n".join([PRELUDE, library, *functions, f"PROBES = {{{table}}}", ENTRY])
