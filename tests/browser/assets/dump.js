/**
 * Walk every IndexedDB database of this origin and look for a text in keys and values, bytes included.
 * An extractable key counts as found.
 */
window.dumpFor = async (marker) => {
  const needle = new TextEncoder().encode(marker).join();
  const report = { databases: [], records: 0, keys: 0, found: [] };
  for (const { name } of await indexedDB.databases()) {
    report.databases.push(name);
    const db = await settled(indexedDB.open(name));
    for (const store of db.objectStoreNames) {
      const all = (method) => settled(db.transaction(store).objectStore(store)[method]());
      const [keys, values] = [await all("getAllKeys"), await all("getAll")];
      report.records += values.length;
      report.keys += values.filter(isKeyRecord).length;
      if ([...keys, ...values].some((value) => holds(value, marker, needle))) {
        report.found.push(`${name}/${store}`);
      }
    }
    db.close();
  }
  return report;
};

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function isKeyRecord(value) {
  const fields = value instanceof CryptoKey ? [value] : Object.values(value ?? {});
  return fields.some((field) => field instanceof CryptoKey);
}

function holds(value, marker, needle) {
  if (typeof value === "string") return value.includes(marker);
  if (value instanceof CryptoKey) return value.extractable;
  if (value instanceof ArrayBuffer) return new Uint8Array(value).join().includes(needle);
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return new Uint8Array(buffer, byteOffset, byteLength).join().includes(needle);
  }
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((field) => holds(field, marker, needle));
}
