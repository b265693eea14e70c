// Peer: RxDB on Dexie's storage, with the encryption that comes with it (crypto-js).
import { createRxDatabase } from "rxdb/plugins/core";
import { wrappedKeyEncryptionCryptoJsStorage } from "rxdb/plugins/encryption-crypto-js";
import { getRxStorageDexie } from "rxdb/plugins/storage-dexie";

const EVENTS = {
  version: 0,
  type: "object",
  primaryKey: "id",
  properties: {
    id: { type: "string", maxLength: 64 },
    ts: { type: "number", minimum: 0, maximum: 10 ** 13, multipleOf: 1 },
    type: { type: "string", maxLength: 32 },
    pageId: { type: "string", maxLength: 64 },
    clickId: { type: "string" },
    pv: { type: "boolean" },
    props: { type: "object" },
  },
  required: ["id", "ts", "type", "pageId", "pv", "props"],
  encrypted: ["clickId", "props"],
  indexes: [["type", "pageId", "ts"], ["ts"]],
};

/**
 * Everything sealed that our store seals, but the time: RxDB's encrypted fields cannot be in an index or a selector.
 */
const SEALED_EVENTS = {
  ...EVENTS,
  encrypted: ["type", "pageId", "clickId", "props"],
  indexes: [["ts"]],
};

/** @param {string} name */
export const openStore = (name) => opened(name, EVENTS);

/** @param {string} name */
export async function openSealedStore(name) {
  const store = await opened(name, SEALED_EVENTS);
  return { ...store, count: store.countSealedPage };
}

/**
 * @param {string} name
 * @param {any} schema
 */
async function opened(name, schema) {
  const database = await createRxDatabase({
    name,
    storage: wrappedKeyEncryptionCryptoJsStorage({ storage: getRxStorageDexie() }),
    password: "a password of the benchmark",
    // Kind to it: other tabs are told nothing.
    multiInstance: false,
  });
  const { events } = await database.addCollections({ events: { schema } });
  return {
    async add(/** @type {any[]} */ batch) {
      const { error } = await events.bulkInsert(batch);
      if (error.length > 0) throw new Error(`rxdb: expected no error, got ${error.length}`);
    },
    count: ({ type, pageId, since, until }) =>
      events.count({ selector: { type, pageId, ts: { $gte: since, $lt: until } } }).exec(),
    // No selector reaches an encrypted field: the window's events are opened and looked through.
    async countSealed({ clickId, type, pageId, since, until }) {
      const selector = { type, pageId, ts: { $gte: since, $lt: until } };
      const found = await events.find({ selector }).exec();
      return found.filter((document) => document.clickId === clickId).length;
    },
    async countSealedPage({ type, pageId, since, until }) {
      const found = await events.find({ selector: { ts: { $gte: since, $lt: until } } }).exec();
      return found.filter((each) => each.type === type && each.pageId === pageId).length;
    },
    total: () => events.count().exec(),
    close: () => database.close(),
  };
}
