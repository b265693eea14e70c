/**
 * For a crowd of tabs: each tells over one channel what its runtime says and what it acknowledged, and the watcher, a
 * page that is none of them, keeps all of it. Loaded before everything else in every page of the test.
 */
(() => {
  const EVENTS = 100;
  const crowd = new BroadcastChannel("test-crowd");
  const unanswered = new Set();
  let tab;

  /** In a tab: tell under this name every status, those that were before included. */
  window.joinCrowd = (name) => {
    tab = name;
    const said = (status) => crowd.postMessage({ tab, status });
    seen.status.forEach(said);
    EdgeAI.on("status", said);
  };

  /** In a tab: track and put; resolves when both were answered, one way or the other. */
  window.act = (first, key) => {
    for (let n = first; n < first + EVENTS; n++)
      EdgeAI.track({ type: "mta", pageId: "M", clickId: "c", props: { first, n } });
    return Promise.all([
      answered(EdgeAI.flush(), { first }),
      answered(EdgeAI.put(key, first), { key, value: first }),
    ]);
  };

  /** In a tab: every call was answered. */
  window.allAnswered = () => Promise.all(unanswered);

  function answered(promise, acknowledged) {
    const told = promise.then(
      () => crowd.postMessage({ tab, acknowledged }),
      (error) => crowd.postMessage({ tab, refused: `${error.code}: ${error.message}` }),
    );
    unanswered.add(told);
    return told.finally(() => unanswered.delete(told));
  }

  /** In the watcher: keep from now on what is told, and the terms of office that begin. */
  window.watchCrowd = () => {
    window.told = [];
    const checks = new Set();
    let latest = 0;
    const keep = (message) => {
      window.told.push(message);
      for (const check of checks) check();
    };
    crowd.onmessage = ({ data }) => keep(data);
    new BroadcastChannel("edge-writer").onmessage = ({ data: { kind, term } }) => {
      if (kind !== "beat" || term <= latest) return;
      latest = term;
      keep({ elected: term });
    };

    /** Resolve with the place of the first message from `since` on of which `isMeant`. */
    window.untilTold = (since, isMeant) =>
      new Promise((resolve) => {
        const check = () => {
          const place = window.told.findIndex((each, index) => index >= since && isMeant(each));
          if (place < 0) return;
          checks.delete(check);
          resolve(place);
        };
        checks.add(check);
        check();
      });
  };

  window.untilRole = (since, tabs, roles) =>
    window.untilTold(
      since,
      ({ tab, status }) => roles.includes(status?.role) && tabs.includes(tab),
    );

  window.untilElected = (since) => window.untilTold(since, ({ elected }) => elected);

  /** Which clients have the office, in turn: who holds it, and who waits for it. */
  window.inTurn = async () => {
    const { held, pending } = await navigator.locks.query();
    const turn = [...held, ...pending].filter(({ name }) => name === "edge-writer");
    return turn.map(({ clientId }) => clientId);
  };

  /** In a tab: the store has a checkpoint. */
  window.untilCheckpoint = async () => {
    while (!(await EdgeAI.statistics()).store.checkpoint);
  };

  window.later = (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs));

  /** Read the store's records in one transaction, as texts of one character a byte. */
  window.readStore = () =>
    new Promise((resolve, reject) => {
      const open = indexedDB.open("edge-store");
      open.onerror = () => reject(open.error);
      open.onsuccess = () => {
        const db = open.result;
        const stores = ["meta", "sealed", "plain", "quarantine"];
        const found = Object.fromEntries(stores.map((store) => [store, {}]));
        const tx = db.transaction(stores);
        for (const store of stores) {
          tx.objectStore(store).openCursor().onsuccess = ({ target: { result: cursor } }) => {
            if (!cursor) return;
            found[store][cursor.key] = Array.from(cursor.value, (byte) =>
              String.fromCharCode(byte),
            ).join("");
            cursor.continue();
          };
        }
        tx.oncomplete = () => {
          db.close();
          resolve(found);
        };
        tx.onabort = () => reject(tx.error);
      };
    });
})();
