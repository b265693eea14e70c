/**
 * A worker that has nothing but the product's own storage and keys, so that a test can end it at any moment and begin
 * another one within milliseconds. The Python that uses them is in the worker that commands it (victims.js).
 */

import { Crypto } from "../../../js_shim/host/crypto.js";
import { Storage } from "../../../js_shim/host/storage.js";
import { createRpc } from "../../../js_shim/rpc.js";
import { serving } from "../../../js_shim/rpc-serving.js";

/** @type {Set<IDBDatabase>} Every connection that was opened here. */
const connections = new Set();
const { open } = IDBFactory.prototype;
IDBFactory.prototype.open = function (...args) {
  const request = open.apply(this, args);
  request.addEventListener("success", () => connections.add(request.result));
  return request;
};

/** @type {Set<IDBTransaction>} */
const transactions = new Set();
const { transaction } = IDBDatabase.prototype;
IDBDatabase.prototype.transaction = function (...args) {
  const begun = transaction.apply(this, args);
  transactions.add(begun);
  for (const end of ["complete", "abort"])
    begun.addEventListener(end, () => transactions.delete(begun));
  return begun;
};

/** What a browser may do at any time. */
const CUTS = {
  /** The connections end once what runs on them has ended, and nobody is told. */
  cut() {
    for (const each of connections) each.close();
    connections.clear();
  },

  /** What runs is aborted, and the connections' ends are told, as when site data is deleted. */
  sever() {
    for (const each of transactions) abort(each);
    for (const each of connections) {
      each.close();
      each.dispatchEvent(new Event("close"));
    }
    connections.clear();
  },
};

/** @param {IDBTransaction} begun */
function abort(begun) {
  try {
    begun.abort();
  } catch {
    // It is being committed already.
  }
}

/** A storage whose databases belong to one device. */
class DeviceStorage extends Storage {
  #device;
  #before;

  /**
   * @param {string} device
   * @param {() => Promise<any>} before  What the worker that commands this one does before `erase`.
   */
  constructor(device, before) {
    super();
    this.#device = device;
    this.#before = before;
  }

  /**
   * @param {string} name
   * @param {string[]} stores
   */
  open(name, stores) {
    return super.open(`${name}-${this.#device}`, stores);
  }

  /** @param {any} guard */
  erase(guard) {
    return super.erase(guard, this.#before);
  }
}

self.onmessage = ({ data: { port } }) => {
  /** @type {Map<number, {storage: any, crypto: any}>} */
  const runtimes = new Map();
  /** @type {Record<string, (params: any) => unknown>} */
  const handlers = {
    begin({ runtime, device }) {
      const crypto = new Crypto(`edge-keys-${device}`);
      const storage = new DeviceStorage(device, () => rpc.call("before", {}));
      runtimes.set(runtime, { storage, crypto });
    },
    call: ({ runtime, part, method, args }) => runtimes.get(runtime)?.[part][method](...args),
  };
  const rpc = createRpc(port, {
    serve: serving(handlers, "storage-failed"),
    onNotice: (name) => CUTS[name](),
  });
};
