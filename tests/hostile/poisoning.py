"""Probes for the task behind: what one leaves in the library, in files, in the interpreter."""

from typing import Final

# Each is done by one task; another one, :data:`INNOCENT`, must not notice.
POISON: Final = {
    "a builtin": "SYS.modules['builtins'].len = lambda _: 42",
    "a builtin class": "SYS.modules['builtins'].dict = list",
    "what looks for changes": """
builtins = SYS.modules["builtins"]
builtins.all = builtins.any = lambda _: True
builtins.map = builtins.zip = builtins.sum = lambda *_: []
builtins.KeyError = builtins.isinstance = builtins.vars = builtins.callable = None
json.dumps = lambda *_, **__: 'poisoned'""",
    "a builtin removed": "del SYS.modules['builtins'].sorted",
    "a function": "json.dumps = lambda *_, **__: 'poisoned'",
    "a function that equals all": """
class Equal:
    __eq__ = lambda self, other: True
    __call__ = lambda self, *_, **__: "poisoned"
json.dumps = Equal()""",
    "a method": "json.JSONEncoder.encode = lambda *_: 'poisoned'",
    "a method removed": "del json.JSONDecoder.decode",
    "a class method": "import uuid\nuuid.UUID.__str__ = lambda _: 'poisoned'",
    "a static method": "import string\nstring.Template.safe_substitute = None",
    "a method of asyncio": "asyncio.Event.wait = lambda _: 1 / 0",
    "a property of enums": "import enum\nenum.Enum.__repr__ = lambda _: 'poisoned'",
    "a function of asyncio": "asyncio.sleep = lambda *_: 1 / 0",
    "the ctx of others": "type(ctx).get = lambda *_: 1 / 0",
    "the tensors of others": "import edge_runtime.task as ours\nours.Tensor.__post_init__ = None",
    "a module": "SYS.modules['json'] = types.ModuleType('json')",
    "an added module": """
made = SYS.modules["colorsys"] = types.ModuleType("colorsys")
made.rgb_to_hsv = lambda *_: "poisoned"
import string""",
    "another name of a module": """
json.rgb_to_hsv = lambda *_: "poisoned"
SYS.modules["colorsys"] = json
import string""",
    "a module of a path of its own": """
os.makedirs("lib", exist_ok=True)
with open("lib/colorsys.py", "w") as file:
    file.write("rgb_to_hsv = lambda *_: 'poisoned'")
SYS.path.insert(0, os.path.abspath("lib"))
import colorsys""",
    "no finders": "SYS.meta_path.clear()",
    "a finder": """
class Finder:
    def find_spec(self, name, path=None, target=None):
        raise ImportError(f"{name} is poisoned")
SYS.meta_path.insert(0, Finder())""",
    "no paths": "SYS.path.clear()",
    "a path": """
os.makedirs("lib", exist_ok=True)
with open("lib/fractions.py", "w") as file:
    file.write("Fraction = lambda *_: 'poisoned'")
SYS.path.insert(0, os.path.abspath("lib"))""",
    "a file of a module": """
for folder in (".", os.path.expanduser("~")):
    with open(os.path.join(folder, "colorsys.py"), "w") as file:
        file.write("rgb_to_hsv = lambda *_: 'poisoned'")""",
    "the folder": "os.chdir('/')",
    "the environment": "os.environ.clear()\nos.environ['TZ'] = 'poisoned'",
    "a function in place": """
code = (lambda *_, **__: "poisoned").__code__
try:
    json.dumps.__code__ = code
except RuntimeError:
    pass""",
    "an import": "SYS.modules['builtins'].__import__ = None",
}

FACTS: Final = """
import asyncio, colorsys, dataclasses, enum, fractions, json, logging, os, string, uuid
from edge_runtime.task import Tensor

class Kind(enum.Enum):
    ONE = 1

@dataclasses.dataclass
class Point:
    x: int = 1

async def run(ctx, activation):
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    await event.wait()
    await asyncio.sleep(0)
    print("innocent")
    return {
        "len": len("abc"), "sorted": sorted([2, 1]), "dict": dict(a=1),
        "json": json.loads(json.dumps({"a": [1]})), "encoder": json.JSONEncoder().encode([1]),
        "uuid": str(uuid.UUID(int=1)), "enum": repr(Kind.ONE), "point": repr(Point()),
        "text": string.Template("$a").safe_substitute(a=1), 
        "hsv": list(colorsys.rgb_to_hsv(1, 1, 1)),
        "half": str(fractions.Fraction(1, 2)), "get": await ctx.get("nothing"),
        "tensor": Tensor("uint8", (1,), b"a").shape[0], "files": os.listdir("."),
        "environment": "TZ" in os.environ, "folder": os.getcwd(),
    }
"""
TRUTH: Final = {
    "len": 3,
    "sorted": [1, 2],
    "dict": {"a": 1},
    "json": {"a": [1]},
    "encoder": "[1]",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "enum": "<Kind.ONE: 1>",
    "point": "Point(x=1)",
    "text": "1",
    "hsv": [0.0, 0.0, 1],
    "half": "1/2",
    "get": None,
    "tensor": 1,
}
IN_A_VM: Final = {"files": [], "environment": False, "folder": "/tmp"}

# One run leaves something for the next one of the same task.
STATE: Final = {
    "a global": """
global count
count = globals().get("count", 0) + 1
return count""",
    "an attribute": """
probe = PROBES[ext["probe"]]
probe.count = getattr(probe, "count", 0) + 1
return probe.count""",
    "a file": """
with open("count", "a+") as file:
    file.write("1")
    file.seek(0)
    return len(file.read())""",
    "a builtin of its own": """
__builtins__["count"] = __builtins__.get("count", 0) + 1
return __builtins__["count"]""",
}
