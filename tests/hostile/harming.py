"""Probes for harm: to the origin, to the network, to other runs, to the VM itself."""

from typing import Final

# What JavaScript could do, tried on every object of it that Python holds.
_ON_ANY: Final = {
    "fetch": "each.fetch('/config.json')",
    "code of a function": "each.constructor.constructor('return 42')()",
    "code of a prototype": "each.constructor.prototype.constructor.constructor('return 42')()",
    "eval": "each.eval('42')",
    "timer with text": "each.setTimeout('globalThis.got = 42')",
    "databases": "each.indexedDB.deleteDatabase('edge-store')",
    "file systems": "each.FS.filesystems.IDBFS.indexedDB().deleteDatabase('edge-store')",
    "caches": "each.caches.keys()",
    "cookies": "each.cookieStore.getAll()",
    "document": "each.document.cookie",
    "local storage": "each.localStorage.clear()",
    "private files": "each.navigator.storage.getDirectory()",
    "worker": "each.Worker.new('/page.js')",
    "scripts": "each.importScripts('/page.js')",
    "channel": "each.BroadcastChannel.new('any').postMessage('from a task')",
    "socket": "each.WebSocket.new('ws://127.0.0.1:9')",
    "request": "each.XMLHttpRequest.new().open('GET', '/config.json')",
    "beacon": "each.navigator.sendBeacon('/config.json')",
    "keys": "each.crypto.subtle.generateKey",
    "package": "each.loadPackage('numpy')",
    "python": "each.runPython('42')",
    "side module": "each._module.loadDynamicLibrary('/tmp/side.so')",
    "script of C": "each._module._emscripten_run_script(0)",
    "close": "each.close()",
    "message": "each.postMessage({})",
}
_TRY: Final = """
for each in proxies():
    try:
        got = {expression}
    except BaseException:
        continue
    assert "JsProxy" in str(type(got).__mro__) or got is not None, "nothing"
    return str(got)
raise LookupError("no object of JavaScript can do it")"""
BROWSER: Final = {name: _TRY.format(expression=each) for name, each in _ON_ANY.items()} | {
    "side module of C": """
loaded = vm()._interpreter._js
return str(loaded._module.loadDynamicLibrary("/tmp/side.so"))""",
    "pyfetch": "return await SYS.modules['pyodide.http'].pyfetch('/config.json')",
    "run_js": "return SYS.modules['pyodide.code'].run_js('42')",
    "URL of the library": """
request = SYS.modules["importlib"].import_module("urllib.request")
return request.urlopen(ext["url"] + "/config.json", timeout=1).status""",
    "a socket": """
socket = SYS.modules["socket"]
connection = socket.create_connection(("127.0.0.1", int(ext["url"].rpartition(":")[2])), timeout=1)
connection.sendall(b"GET /config.json HTTP/1.0\\r\\n\\r\\n")
return connection.recv(10).decode() or 1 / 0""",
    "a stream": """
port = int(ext["url"].rpartition(":")[2])
_, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1)
return str(writer)""",
    "a request that is not allowed": "return (await ctx.fetch(ext['url'] + '/config.json')).status",
    "a process": "return os.posix_spawn('/bin/sh', ['sh'], {})",
    "a command": "return 1 / (os.system('true') == 0)",
    "a fork": "return os.fork()",
    "a thread": """
SYS.modules["threading"].Thread(target=print).start()
return True""",
    "keys and secrets": """
marks = [ext["mark"], ext["mark"].encode(), SYS.modules["base64"].b64decode(ext["mark"])]
mine = [id(ext["mark"]), *map(id, marks)]
texts = [each for each in reached() if isinstance(each, (str, bytes)) and id(each) not in mine]
for mark in marks:
    for each in texts:
        if type(each) is type(mark) and mark in each:
            return str(each)
raise LookupError("no key is to be had")""",
    "other files": "return open('/proc/self/environ').read() or 1 / 0",
}

# As the guest sends them; ``ext["run"]`` is another task's run.
FORGED: Final = {
    "an outcome": """
vm()._tell({"do": "done", "run": ext["run"], "value": "forged", "cpuMs": 0, "heapBytes": 0})
return True""",
    "a failure": """
vm()._tell({"do": "done", "run": ext["run"], "error": None, "cpuMs": 0, "heapBytes": 0})
return True""",
    "an ask": """
given = {"key": "forged", "value": 1, "encrypted": None}
vm()._tell({"do": "ask", "run": ext["run"], "ask": 10**6, "method": "put", "given": given})
return True""",
    "a step": "vm()._tell({'do': 'step', 'run': ext['run'], 'task': 'Keeper'})\nreturn True",
    "an opening": """
for number in range(10):
    vm()._tell({"do": "opened", "run": "", "task": number, "error": {"code": "task-raised"}})
return True""",
}

# The VM may die of these; nobody else does.
SUICIDES: Final = {
    "exit": "SYS.exit(3)",
    "kill": "os.kill(os.getpid(), 9)\nraise LookupError",
    "generator exit": "raise GeneratorExit",
    "keyboard interrupt": "raise KeyboardInterrupt",
    "cancels itself": "asyncio.current_task().cancel()\nawait asyncio.sleep(1)",
    "cancels everybody": """
for each in asyncio.all_tasks():
    each.cancel()
await asyncio.sleep(1)""",
    "closes its guest": "vm().abandon()\nawait asyncio.sleep(60)",
    "closes the loop": "asyncio.get_running_loop().close()\nawait asyncio.sleep(60)",
    "breaks the loop": """
asyncio.get_running_loop().call_soon = None
await asyncio.sleep(0)""",
    "nesting": "return json.loads('[' * 1_000_000)",
    "deep in C": """
SYS.setrecursionlimit(10**8)
value = []
for _ in range(10**6):
    value = [value]
return repr(value)""",
    "no message": "vm()._post('{', [])\nawait asyncio.sleep(60)",
    "another message": "vm()._post('[1]', [])\nawait asyncio.sleep(60)",
    "a flood": """
ask = {"do": "ask", "run": ext["me"], "ask": 1, "method": "get", "given": {"key": "a"}}
while True:
    vm()._tell(ask)""",
    # What its initialiser does is for the realm to refuse.
    "a library of its own": """
with open("side.so", "wb") as file:
    file.write(SIDE_MODULE)
machinery = SYS.modules["importlib.machinery"]
loader = machinery.ExtensionFileLoader("side", os.path.abspath("side.so"))
return str(loader.create_module(machinery.ModuleSpec("side", loader, origin=loader.path)))""",
    "memory": """
kept = []
while True:
    try:
        kept.append(bytearray(50_000_000))
    except MemoryError:
        kept.append("x" * 100_000)""",
    # Past the refusal of marshal itself, which SEALED has.
    "ten thousand broken code objects": """
external = SYS.modules["importlib._bootstrap_external"]
good = external.marshal.dumps(vm.__code__)
chance = random.Random(1)
for _ in range(10_000):
    broken = bytearray(good)
    for _ in range(chance.randrange(1, 4)):
        broken[chance.randrange(len(broken))] = chance.randrange(256)
    try:
        external._compile_bytecode(bytes(broken))
    except Exception:
        pass
return True""",
}
