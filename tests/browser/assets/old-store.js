/**
 * Make the databases that schema 1 left: records, and the root key as it was kept, which nobody can export.
 * @param {{rootId: string, rootKey: string, stores: Record<string, Record<string, string>>}} old  Of tests/vectors/stores.
 * @param {string} [suffix]  Of the databases' names.
 */
globalThis.plantOldStore = async ({ rootId, rootKey, stores }, suffix = "") => {
  const raw = Uint8Array.from(rootKey.match(/../g), (byte) => parseInt(byte, 16));
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  await filled(`edge-keys${suffix}`, { keys: { [rootId]: key } });
  const records = Object.entries(stores).map(([store, each]) => [store, decoded(each)]);
  await filled(`edge-store${suffix}`, Object.fromEntries(records));

  function decoded(records) {
    const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return Object.fromEntries(Object.entries(records).map(([row, text]) => [row, bytes(text)]));
  }

  function filled(name, content) {
    return new Promise((resolve, reject) => {
      const open = indexedDB.open(name, 1);
      open.onupgradeneeded = () => {
        for (const store of Object.keys(content)) {
          const created = open.result.createObjectStore(store);
          for (const [row, value] of Object.entries(content[store])) created.put(value, row);
        }
      };
      open.onerror = () => reject(open.error);
      open.onsuccess = () => {
        open.result.close();
        resolve();
      };
    });
  }
};
