// Page side of the store's peers: each takes the same events in batches and tells what it took.
import * as dexie from "./store-dexie.js";
import { batchesOf, makeEvents, questionFor } from "./store-events.js";
import * as limit from "./store-limit.js";
import * as rxdb from "./store-rxdb.js";

const rxdbSealed = { openStore: rxdb.openSealedStore };
const PEERS = { dexie, limit, rxdb, rxdbSealed };

/**
 * Fill a new store; the first batch warms up and is not in the time.
 * @param {"dexie" | "limit" | "rxdb" | "rxdbSealed"} peer
 * @param {number} count
 */
window.fillPeer = async (peer, count) => {
  const [first, ...batches] = batchesOf(makeEvents(count));
  const bytesBefore = await storedBytes();
  const store = await PEERS[peer].openStore("bench");
  await store.add(first);
  const started = performance.now();
  for (const batch of batches) await store.add(batch);
  const elapsedMs = performance.now() - started;
  const stored = await store.total();
  await store.close();
  const bytes = (await storedBytes()) - bytesBefore;
  return { elapsedMs, timed: count - first.length, stored, bytes };
};

/**
 * Time from nothing open to RxDB's first answer from what `fillPeer` stored, and on to an answer
 * from an encrypted field.
 * @param {number} count
 */
window.openRxdb = async (count) => {
  const { question, expected } = questionFor(makeEvents(count));
  const started = performance.now();
  const store = await rxdb.openStore("bench");
  const found = await store.count(question);
  const elapsedMs = performance.now() - started;
  await store.countSealed({ ...question, clickId: "add_cart" });
  const sealedMs = performance.now() - started;
  return { elapsedMs, sealedMs, found, expected };
};

/**
 * The same for an RxDB whose events are sealed as ours are.
 * @param {number} count
 */
window.openRxdbSealed = async (count) => {
  const { question, expected } = questionFor(makeEvents(count));
  const started = performance.now();
  const store = await rxdb.openSealedStore("bench");
  const found = await store.count(question);
  return { elapsedMs: performance.now() - started, found, expected };
};

async function storedBytes() {
  const { usage } = await navigator.storage.estimate();
  return usage;
}
