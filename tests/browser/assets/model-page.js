/** Workers with model files, and what the page's scripts can do to their database. */

(() => {
  const answers = new Map();
  let worker;
  let count = 0;

  function begin() {
    worker = new Worker("/model-worker.js", { type: "module" });
    worker.onmessage = ({ data: { id, answer } }) => answers.get(id)(answer);
  }

  function order(method, argument) {
    const id = (count += 1);
    const answered = new Promise((resolve) => answers.set(id, resolve));
    worker.postMessage({ id, method, argument });
    return answered;
  }

  const opened = () =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open("edge-models");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });

  async function change(store, key, changed) {
    const db = await opened();
    const tx = db.transaction(store, "readwrite");
    const request = tx.objectStore(store).get(key);
    request.onsuccess = () => {
      const value = changed(request.result);
      if (value === undefined) tx.objectStore(store).delete(key);
      else tx.objectStore(store).put(value, key);
    };
    await new Promise((resolve) => (tx.oncomplete = resolve));
    db.close();
  }

  window.models = {
    begin,
    order,
    end: () => worker.terminate(),
    flipChunk: (key) => change("chunks", key, (chunk) => ((chunk[7] ^= 1), chunk)),
    dropChunk: (key) => change("chunks", key, () => undefined),
    replaceRecord: (key, value) => change("files", key, () => value),
  };
})();
