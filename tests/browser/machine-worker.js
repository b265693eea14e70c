/**
 * A VM whose guest runs the Python it is sent, with all names that a task is refused; `?except=` leaves guards out.
 */

import { audit } from "./realm-audit.js";
import { greet } from "../../js_shim/handshake.js";
import { startMachine } from "../../js_shim/machine-start.js";

const GUEST = `
import ast, asyncio, inspect, json, types
import js
from edge_runtime.host.browser.turns import install_turns
from pyodide.ffi import create_proxy, to_js

class Guest:
    def __init__(self, interpreter, post):
        self.scope = {"audit": audit, "early_fetch": js.fetch, "asyncio": asyncio, "turns": install_turns(asyncio.get_running_loop()), "interpreter": interpreter, "post": post, "js": js, "create_proxy": create_proxy, "to_js": to_js}
        self.post = post

    def take(self, text, buffers):
        self.running = asyncio.ensure_future(self.run(text, [each.to_bytes() for each in buffers]))

    async def run(self, text, buffers):
        self.scope["buffers"] = buffers
        self.scope["value"] = None
        try:
            code = compile(text, "<probe>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            done = eval(code, self.scope)
            if inspect.iscoroutine(done):
                await done
            answer = {"value": self.scope["value"]}
            text = json.dumps(answer, default=str)
        except BaseException as error:
            text = json.dumps({"error": f"{type(error).__name__}: {error}"})
        self.post(text, to_js([]))

module = types.SimpleNamespace(boot=Guest)
module
`;

const { searchParams } = new URL(location.href);
const root = new URL("/edge/", location.href).href;
const except = /** @type {any} */ (searchParams.get("except")?.split(",") ?? []);

greet((port, options) =>
  startMachine(port, options, {
    root,
    importGuest(python) {
      python.globals.set("audit", (/** @type {any} */ roots) => audit(python, roots));
      return python.runPython(GUEST);
    },
    except,
  }),
);
