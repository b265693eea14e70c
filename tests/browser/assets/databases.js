/**
 * What any script of the origin can do to its databases, as the tests' hand in the page. Bytes cross as base64; other
 * values, such as keys, are left out and left alone.
 */
window.databases = {
  /**
   * Return all records that are bytes: by store, by key.
   * @param {string} name
   */
  async read(name) {
    const db = await opened(name);
    const found = await recordsOf(db);
    db.close();
    return found;
  },

  /** @param {string} name */
  readHeld: (name) => recordsOf(window.held.find((db) => db.name === name)),

  /**
   * @param {string} name
   * @param {string} store
   */
  async keysOf(name, store) {
    const db = await opened(name);
    const found = await answered(db.transaction(store).objectStore(store).getAllKeys());
    db.close();
    return found;
  },

  /**
   * Put and delete records in one transaction.
   * @param {string} name
   * @param {[store: string, key: string, text: string | null][]} changes  Null deletes.
   */
  async write(name, changes) {
    const db = await opened(name);
    const tx = db.transaction([...new Set(changes.map(([store]) => store))], "readwrite");
    for (const [store, key, text] of changes) {
      if (text === null) tx.objectStore(store).delete(key);
      else tx.objectStore(store).put(decoded(text), key);
    }
    await ended(tx);
    db.close();
  },

  /** @param {string} name */
  drop: (name) => answered(indexedDB.deleteDatabase(name)),

  /**
   * Hold connections and let nobody have them, whoever asks.
   * @param {string[]} names
   */
  async hold(names) {
    window.held = await Promise.all(names.map((name) => opened(name)));
  },

  release() {
    for (const db of window.held) db.close();
  },

  /**
   * Begin one transaction on everything, and let nobody else's begin behind it.
   * @param {string} name
   */
  async occupy(name) {
    const db = await opened(name);
    const stores = [...db.objectStoreNames];
    const records = db.transaction(stores, "readwrite").objectStore(stores[0]);
    await answered(records.get(""));
    let isOver = false;
    // It ends when nothing is asked of it.
    const keep = async () => {
      while (!isOver) await answered(records.get(""));
      db.close();
    };
    const kept = keep();
    window.vacate = () => {
      isOver = true;
      return kept;
    };
  },

  vacate: () => window.vacate(),
};

async function recordsOf(db) {
  const found = {};
  for (const store of db.objectStoreNames) {
    const all = (method) => answered(db.transaction(store).objectStore(store)[method]());
    const [keys, values] = [await all("getAllKeys"), await all("getAll")];
    const entries = keys.map((key, index) => [key, values[index]]);
    const bytes = entries.filter(([, value]) => value instanceof Uint8Array);
    found[store] = Object.fromEntries(bytes.map(([key, value]) => [key, encoded(value)]));
  }
  return found;
}

/** @param {string} name */
function opened(name) {
  return answered(indexedDB.open(name));
}

function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function ended(tx) {
  return new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error);
  });
}

const encoded = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const decoded = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
