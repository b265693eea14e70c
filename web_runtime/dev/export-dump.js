/**
 * Exports what the runtime keeps at this origin, for `web-runtime inspect`. Served in development only:
 *
 *     await import("/edge/dev/export-dump.js");   // in the console; downloads edge-dump.json
 *
 * Everything stays as it is: nothing is opened with a key, and no database is made that is not there.
 */

/** @typedef {{type: string, key?: string}} Other      A value that is no bytes, or is under no text. */
/** @typedef {Record<string, string | Other>} Records  Base64 by key. */
/** @typedef {{name: string, type: string}} StrangeKey */
/**
 * @typedef {object} Dump
 * @property {"edge-dump"} format
 * @property {1} version
 * @property {string} note
 * @property {string} origin
 * @property {number} takenMs
 * @property {{"edge-store": Record<string, Records>, "edge-keys": {notes: Records, keys: (string | StrangeKey)[]}}} databases
 */

/** @typedef {[key: IDBValidKey, value: unknown][]} Entries */

const NOTE = "CryptoKeys cannot be exported: of the root keys there are only the names here.";
// A multiple of three: the base64 of such parts can be put together.
const PART_BYTES = 3 * 8_192;
const KEPT_FOR_DOWNLOAD_MS = 10_000;

await downloadDump();

/** Download the dump as `edge-dump.json`. */
export async function downloadDump() {
  const dump = await exportDump();
  const url = URL.createObjectURL(new Blob([JSON.stringify(dump)], { type: "application/json" }));
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: "edge-dump.json" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_FOR_DOWNLOAD_MS);
}

/**
 * Return every record of this origin's store, and the names of its root keys.
 * @returns {Promise<Dump>}
 */
export async function exportDump() {
  // In this order the anchor is never newer than the head: it would look like a head put back.
  const secrets = await entriesOf("edge-keys");
  const stores = await entriesOf("edge-store");
  return {
    format: "edge-dump",
    version: 1,
    note: NOTE,
    origin: location.origin,
    takenMs: Date.now(),
    databases: {
      "edge-store": mapped(stores, described),
      "edge-keys": {
        notes: described(secrets.notes ?? []),
        keys: (secrets.keys ?? []).map(([key, value]) => named(nameOf(key, 0), value)),
      },
    },
  };
}

/**
 * Return all stores of a database as they were at one moment; none if there is no such database.
 * @param {string} database
 * @returns {Promise<Record<string, Entries>>}
 */
async function entriesOf(database) {
  const db = await opened(database);
  if (!db) return {};
  try {
    const names = [...db.objectStoreNames];
    if (names.length === 0) return {};
    const tx = db.transaction(names);
    const all = names.map(async (name) => [name, await entries(tx.objectStore(name))]);
    return Object.fromEntries(await Promise.all(all));
  } finally {
    db.close();
  }
}

/**
 * @param {string} database
 * @returns {Promise<IDBDatabase | undefined>}
 */
function opened(database) {
  const request = indexedDB.open(database);
  let isThere = true;
  request.onupgradeneeded = () => {
    // Opening has made it; an upgrade that is aborted takes that back.
    isThere = false;
    request.transaction?.abort();
  };
  return settled(request).catch((error) => {
    if (isThere) throw error;
    return undefined;
  });
}

/**
 * @param {IDBObjectStore} store
 * @returns {Promise<Entries>}
 */
async function entries(store) {
  const [keys, values] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
  return keys.map((key, index) => [key, values[index]]);
}

/**
 * @param {Entries} found
 * @returns {Records}
 */
function described(found) {
  return Object.fromEntries(
    found.map(([key, value], index) => {
      if (typeof key !== "string")
        return [nameOf(key, index), { type: typeOf(value), key: typeOf(key) }];
      return [key, value instanceof Uint8Array ? base64(value) : { type: typeOf(value) }];
    }),
  );
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string | StrangeKey}
 */
function named(name, value) {
  if (!(value instanceof CryptoKey)) return { name, type: typeOf(value) };
  return value.extractable ? { name, type: "extractable CryptoKey" } : name;
}

/**
 * @param {IDBValidKey} key
 * @param {number} index
 */
function nameOf(key, index) {
  return typeof key === "string" ? key : `(${typeOf(key)} ${index})`;
}

/** @param {unknown} value */
function typeOf(value) {
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** @param {Uint8Array} bytes */
function base64(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += PART_BYTES)
    text += btoa(String.fromCharCode(...bytes.subarray(start, start + PART_BYTES)));
  return text;
}

/**
 * @template T
 * @template U
 * @param {Record<string, T>} object
 * @param {(value: T) => U} change
 * @returns {Record<string, U>}
 */
function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
