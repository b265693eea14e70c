"""Probes for what is not to be had: modules, the collector, other functions' code."""

from typing import Final

# By import statements, which the guard of tasks' own modules refuses.
_MODULES: Final = (
    *("js", "pyodide_js", "pyodide", "pyodide.ffi", "pyodide.code", "pyodide.http", "_pyodide"),
    *("_pyodide_core", "micropip", "ctypes", "_ctypes", "gc", "sys", "importlib", "builtins"),
    *("importlib.util", "marshal", "inspect", "_imp", "_thread", "threading", "socket", "signal"),
    *("urllib.request", "http.client", "subprocess", "zipimport", "runpy", "code", "mmap"),
    *("concurrent.futures", "edge_runtime.guest.vm", "edge_runtime.host", "_frozen_importlib"),
)
IMPORTS: Final = {
    **{f"import {name}": f"import {name} as got\nreturn str(got)" for name in _MODULES},
    **{f"__import__({name})": f"return str(__import__({name!r}))" for name in _MODULES[:18]},
    "from import": "from importlib import import_module\nreturn str(import_module)",
    "from concurrent import": "from concurrent import futures\nreturn str(futures)",
    "from edge_runtime import": "from edge_runtime import guest\nreturn str(guest)",
    "import inside exec": "exec('import js; got = js', scope := {})\nreturn str(scope['got'])",
    "import inside eval": "return str(eval('__import__(\"js\")'))",
    "__builtins__ of the task": "return str(__builtins__['__import__']('sys'))",
    "relative beyond": "from .. import guest\nreturn str(guest)",
    "relative to the runtime": """
scope = {"__package__": "edge_runtime.guest", "__name__": "edge_runtime.guest.mine"}
exec("from . import vm", scope)
return str(scope["vm"])""",
    "__loader__": "return str(__loader__.load_module('js'))",
    "__spec__": "return str(__spec__.loader.load_module('js'))",
}

# Past the guard by attributes of modules that may be imported: the interpreter is sealed itself.
_ROUTES: Final = {
    "importlib of logging.sys": "return str(SYS.modules['importlib'].import_module({name!r}))",
    "modules of codecs.sys": "return str(codecs.sys.modules[{name!r}])",
    "modules of logging.os.sys": "return str(logging.os.sys.modules[{name!r}])",
    "true builtins": "return str(SYS.modules['builtins'].__import__({name!r}, {{}}, {{}}, ['x']))",
    # What can be found then is of no use: the audit hook and the realm refuse that.
    "finders removed": """
finders = [*SYS.meta_path]
SYS.meta_path[:] = [each for each in SYS.meta_path if "Refuser" not in str(each)]
try:
    got = SYS.modules["builtins"].__import__({name!r}, {{}}, {{}}, ["x"])
finally:
    SYS.meta_path[:] = finders
return str(got.run_js("42") if {name!r} == "pyodide.code" else got)""",
}
SEALED: Final = {
    f"{name} by {route}": body.format(name=name)
    for name in ("js", "pyodide_js", "ctypes", "pyodide.code")
    for route, body in _ROUTES.items()
} | {
    "_ctypes by the importer of builtins": """
importer = next(each for each in object.__subclasses__() if each.__name__ == "BuiltinImporter")
spec = SYS.modules["importlib.util"].spec_from_loader("_ctypes", importer)
return str(importer.create_module(spec).dlopen(None, 2))""",
    "_ctypes by load_module": """
importer = next(each for each in object.__subclasses__() if each.__name__ == "BuiltinImporter")
return str(importer.load_module("_ctypes").dlopen(None, 2))""",
    "side module by ctypes": """
with open("side.so", "wb") as file:
    file.write(SIDE_MODULE)
finder = SYS.meta_path.pop(0)
try:
    ctypes = SYS.modules["importlib"].import_module("ctypes")
finally:
    SYS.meta_path.insert(0, finder)
return str(ctypes.CDLL(os.path.abspath("side.so")))""",
    "JavaScript's finder": """
found = [each for each in SYS.meta_path if hasattr(each, "jsproxies")]
return str(found[0].jsproxies["js"])""",
    "guest by name": "return str(SYS.modules['edge_runtime.guest.vm'].Vm)",
    "guest by attribute": "import edge_runtime\nreturn str(edge_runtime.guest.vm)",
    "all objects": "return len(SYS.modules['gc'].get_objects())",
    "referrers": "return len(SYS.modules['gc'].get_referrers(ctx))",
    "referents": "return len(SYS.modules['gc'].get_referents(vars(json.JSONEncoder)))",
    "an audit hook": """
heard = []
SYS.addaudithook(lambda *event: heard.append(event))
open(os.devnull).close()
return len(heard) or 1 / 0""",
    "tracing": "SYS.settrace(lambda *event: None)\nSYS.settrace(None)\nreturn True",
    "profiling": "SYS.setprofile(lambda *event: None)\nSYS.setprofile(None)\nreturn True",
    "all frames": "return len(SYS._current_frames())",
    "code made up": "return str((lambda: None).__code__.replace(co_code=bytes(8)))",
    "code by its class": """
code = (lambda: None).__code__
names = ("argcount posonlyargcount kwonlyargcount nlocals stacksize flags code consts names"
    " varnames filename name qualname firstlineno linetable exceptiontable").split()
return str(type(code)(*(getattr(code, "co_" + name) for name in names)))""",
    "code unmarshalled": """
marshal = SYS.modules["importlib._bootstrap_external"].marshal
return str(marshal.loads(marshal.dumps(len.__name__)))""",
    "code unmarshalled by another name": """
marshal = SYS.modules["importlib._bootstrap_external"].marshal
name = "<frozen importlib._bootstrap_external>"
exec(compile("def _compile_bytecode(data): return loads(data)", name, "exec"), vars(marshal))
return str(vars(marshal)["_compile_bytecode"](marshal.dumps(1)))""",
    "a function's code": """
before = json.dumps.__code__
json.dumps.__code__ = (lambda *given, **named: "poisoned").__code__
json.dumps.__code__ = before
return True""",
    "a function's defaults": """
before = re.sub.__defaults__
re.sub.__defaults__ = (1, 0, None)
re.sub.__defaults__ = before
return True""",
    "a function's keywords": """
before = json.dumps.__kwdefaults__
json.dumps.__kwdefaults__ = {**before, "indent": 4}
json.dumps.__kwdefaults__ = before
return True""",
    "the hook by its frame": """
try:
    SYS.settrace(None)
except RuntimeError as error:
    frame = error.__traceback__.tb_next.tb_frame
    frame.f_locals["refused"] = frame.f_locals["known"] = frozenset()
    frame.f_globals.update(isinstance=lambda *_: False, id=lambda _: 0, FunctionType=str)
SYS.settrace(None)
json.dumps.__code__ = json.dumps.__code__
return True""",
}
# What CPython has, too: its canaries show that these succeed in an interpreter that is not sealed.
SEALED_ON_CPYTHON: Final = [
    name
    for name in SEALED
    if (name.startswith("ctypes by") and "modules of" not in name)
    or name.startswith(
        ("guest", "all", "ref", "an audit", "tracing", "profiling", "a function", "code ")
    )
]

OTHERS: Final = {
    "another task's modules": """
return next(name for name in SYS.modules if name.startswith("edge_tasks.") and name != __name__)""",
    "another task by import": "return SYS.modules['importlib'].import_module('edge_tasks.1.main')",
    "the main module": "return vars(SYS.modules['__main__'])['SECRET']",
    "a global by its name": "return SECRET",
    "a traceback of another task": """
try:
    await ctx.call("Keeper")
except Exception as error:
    frame = error.__traceback__
    while frame is not None:
        if "SECRET" in frame.tb_frame.f_globals:
            return frame.tb_frame.f_globals["SECRET"]
        frame = frame.tb_next
raise LookupError""",
}
