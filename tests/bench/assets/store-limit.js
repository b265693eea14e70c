// The limit: IndexedDB itself, a batch as one sealed text in one record. It answers no question.
import { createKey, seal } from "./store-sealing.js";

/** @param {string} name */
export async function openStore(name) {
  const database = await opened(name);
  const key = await createKey();
  let events = 0;
  return {
    async add(/** @type {any[]} */ batch) {
      const data = await seal(key, JSON.stringify(batch));
      const transaction = database.transaction("batches", "readwrite", { durability: "relaxed" });
      transaction.objectStore("batches").put(data, batch[0].id);
      transaction.commit();
      await completed(transaction);
      events += batch.length;
    },
    total: async () => events,
    close: () => database.close(),
  };
}

/** @returns {Promise<IDBDatabase>} */
function opened(/** @type {string} */ name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => void request.result.createObjectStore("batches");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function completed(/** @type {IDBTransaction} */ transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}
