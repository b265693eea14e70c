// Storage and crypto in memory, as Python wraps them: what in_node.mjs runs the contract on.

import { webcrypto } from "node:crypto";
import { unsealWith, verify } from "../../js_shim/host/signatures.js";

/** A failure as a host may throw it. */
export function failure(code, message, details = {}) {
  return Object.assign(new Error(message), { code, details });
}

/** Storage as tests/contract wants it, over maps that outlive close(). */
export function memoryStorage() {
  const databases = new Map();
  let current;
  let isOpen = false;
  const storeOf = (name) => {
    const store = isOpen && databases.get(current).get(name);
    if (!store) throw failure("storage-failed", `no store ${name}`);
    return store;
  };
  const check = ([name, key, data], operations) => {
    const found = storeOf(name).get(key);
    const own = operations.filter(
      ([kind, ...place]) => kind === "put" && `${place.slice(0, 2)}` === `${[name, key]}`,
    );
    const expected = [data, ...own.map((each) => each[3])];
    if (!expected.some((each) => `${each}` === `${found}`))
      throw failure("writer-superseded", "another writer", { found: found !== undefined });
  };
  return {
    async open(name, stores) {
      if (!databases.has(name)) databases.set(name, new Map());
      for (const store of stores)
        if (!databases.get(name).has(store)) databases.get(name).set(store, new Map());
      [current, isOpen] = [name, true];
    },
    get: async (store, key) => storeOf(store).get(key),
    async read(store, after, limit) {
      const records = [...storeOf(store)].filter(([key]) => key > after);
      return records.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, limit);
    },
    async write(operations, durability, guard) {
      if (!["relaxed", "strict"].includes(durability)) throw new TypeError(durability);
      for (const [, store] of operations) storeOf(store);
      if (guard) check(guard, [...operations]);
      for (const [kind, store, key, data] of operations) {
        if (kind === "put") storeOf(store).set(key, data.slice());
        else if (kind === "clear") storeOf(store).clear();
        else storeOf(store).delete(key);
      }
    },
    close() {
      isOpen = false;
    },
    async erase(guard, before) {
      if (guard) {
        check(guard, []);
        if (!(await before())) return;
      }
      databases.delete(current);
      isOpen = false;
    },
  };
}

/** Crypto as tests/contract wants it; what is loaded is what is stored. */
export function webCrypto() {
  const { subtle } = webcrypto;
  const algorithm = { name: "AES-GCM", length: 256 };
  const uses = ["encrypt", "decrypt"];
  const [keys, notes] = [new Map(), new Map()];
  const lost = new Set();
  const parameters = (data, additionalData) => ({
    name: "AES-GCM",
    iv: data.subarray(0, 12),
    additionalData,
  });
  const keyOf = (id) => {
    if (keys.has(id)) return keys.get(id).key;
    throw failure("storage-failed", `no key ${id}`);
  };
  const lose = (isLost) => {
    for (const [id, { rootId }] of keys) if (isLost(rootId) && keys.delete(id)) lost.add(id);
  };
  // Failures without a code of ours below: Python must know what they mean.
  const unwrap = (wrapped, rootId, aad) =>
    subtle.unwrapKey(
      "raw",
      wrapped.subarray(12),
      keyOf(rootId),
      parameters(wrapped, aad),
      algorithm,
      false,
      uses,
    );
  return {
    async openRoot(rootId, create) {
      if (keys.has(rootId) || !create) return keys.has(rootId);
      const key = await subtle.generateKey(algorithm, false, [...uses, "wrapKey", "unwrapKey"]);
      if (!keys.has(rootId)) keys.set(rootId, { key, rootId });
      return true;
    },
    deleteRoot: async (rootId) => lose((id) => id === rootId),
    async createKey(keyId, rootId, aad) {
      const iv = webcrypto.getRandomValues(new Uint8Array(12));
      const root = keyOf(rootId);
      const raw = await subtle.generateKey(algorithm, true, uses);
      const body = await subtle.wrapKey("raw", raw, root, parameters(iv, aad));
      const wrapped = joined(iv, new Uint8Array(body));
      keys.set(keyId, { key: await unwrap(wrapped, rootId, aad), rootId });
      return wrapped;
    },
    async loadKey(keyId, rootId, wrapped, aad) {
      keys.set(keyId, { key: await unwrap(wrapped, rootId, aad), rootId });
    },
    async seal(id, plaintext, aad) {
      const iv = webcrypto.getRandomValues(new Uint8Array(12));
      const body = await subtle.encrypt(parameters(iv, aad), keyOf(id), plaintext);
      return joined(iv, new Uint8Array(body));
    },
    async unseal(id, sealed, aad) {
      if (!keys.has(id) && !lost.has(id)) throw new Error(`key ${id} was never here`);
      const body = await subtle.decrypt(parameters(sealed, aad), keyOf(id), sealed.subarray(12));
      return new Uint8Array(body);
    },
    verify,
    unsealWith,
    readNote: async (name) => notes.get(name),
    writeNote: async (name, data) => void notes.set(name, data.slice()),
    async erase() {
      lose(() => true);
      notes.clear();
    },
  };
}

function joined(first, second) {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
