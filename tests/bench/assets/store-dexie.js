// Peer: Dexie, one AES-GCM record an event, the fields of its indexes in clear.
import { Dexie } from "dexie";

import { createKey, seal } from "./store-sealing.js";

/** @param {string} name */
export async function openStore(name) {
  const database = new Dexie(name, { chromeTransactionDurability: "relaxed" });
  database.version(1).stores({ events: "id, ts, [page+ts]" });
  await database.open();
  const events = database.table("events");
  const key = await createKey();
  return {
    async add(/** @type {any[]} */ batch) {
      const sealed = await Promise.all(batch.map((event) => seal(key, JSON.stringify(event))));
      const records = batch.map(({ id, ts, pageId }, i) => ({
        id,
        ts,
        page: pageId,
        data: sealed[i],
      }));
      await events.bulkPut(records);
    },
    total: () => events.count(),
    close: () => database.close(),
  };
}
