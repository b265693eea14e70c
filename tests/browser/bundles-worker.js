/** A worker that opens bundles as a device does: Python from the built snapshot, the browser's own WebCrypto. */

import { createSteps, startPython } from "../../js_shim/boot.js";
import { createJsHost } from "../../js_shim/host/index.js";

const DEVICE = `
import asyncio
import base64
import json
import marshal

from edge_runtime.config import parse_config
from edge_runtime.errors import EdgeError
from edge_runtime.host.browser.ports import browser_host
from edge_runtime.host.browser.turns import install_turns
from edge_runtime.pure.abi import abi_here
from edge_runtime.services.bundles import Bundles

install_turns(asyncio.get_running_loop())
host = browser_host(js_host)
unmarshalled = []
loads = marshal.loads


def counted(data):
    unmarshalled.append(data)
    return loads(data)


class Kept:
    def __init__(self, versions):
        self.versions = versions

    def get(self, key):
        return self.versions

    async def put(self, key, value, encrypted=None):
        pass


async def outcome(bundles, data):
    try:
        opened = await bundles.open(data)
    except EdgeError as error:
        return {"type": type(error).__name__, "code": error.code, "message": error.message}
    except Exception as error:
        return {"type": type(error).__name__, "code": "", "message": str(error)}
    marshal.loads(opened.files["main.pyc"])
    return {"type": "", "code": "", "message": ""}


async def open_all(text):
    order = json.loads(text)
    trust = parse_config({"trust": order["trust"]}).trust
    bundles = Bundles(host.crypto, host.clock, trust, Kept(order["versions"]))
    await bundles.recall_after(asyncio.sleep(0))
    marshal.loads = counted
    unmarshalled.clear()
    outcomes = [await outcome(bundles, base64.b64decode(each)) for each in order["bundles"]]
    marshal.loads = loads
    return json.dumps({"outcomes": outcomes, "unmarshalled": len(unmarshalled)})


async def take(text):
    if text:
        return await open_all(text)
    abi = abi_here()
    return json.dumps([abi.pyodide, abi.python, abi.magic])


take
`;

/** @type {Promise<any> | undefined} */
let taking;

/** @param {string} root */
async function start(root) {
  const { python } = await startPython(createSteps(() => {}).step, root, () => {});
  const page = /** @type {any} */ ({ notify() {} });
  python.globals.set(
    "js_host",
    createJsHost(python, root, page, () => {}),
  );
  return python.runPythonAsync(DEVICE);
}

self.onmessage = async ({ data: { root, text } }) => {
  taking ??= start(root);
  self.postMessage(
    await taking.then((take) => take(text)).catch((error) => JSON.stringify({ error: `${error}` })),
  );
};
