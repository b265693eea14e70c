/** Two writers of one database in one page; each has a connection of its own, as in two tabs. */

import { Storage } from "../../../js_shim/host/storage.js";

const MARK = new TextEncoder().encode("first");
const OTHER = new TextEncoder().encode("second");
/** @type {[string, string, Uint8Array]} */
const GUARD = ["meta", "writer", MARK];

async function opened() {
  const storage = new Storage();
  await storage.open("two-writers", ["meta", "sealed"]);
  return storage;
}

/**
 * The first writer erases; while it does what comes before that, the second takes over.
 * @param {number} beforeMs
 */
window.eraseAndTakeOver = async (beforeMs) => {
  const [first, second] = [await opened(), await opened()];
  await first.write([["put", ...GUARD]], "strict", null);
  /** @type {string[]} */
  const order = [];
  const note = (/** @type {string} */ what) => () => void order.push(what);
  /** @type {Promise<void> | undefined} */
  let takingOver;
  const erasing = first
    .erase(GUARD, async () => {
      const mark = second.write([["put", "meta", "writer", OTHER]], "strict", GUARD);
      takingOver = mark.then(note("taken over"), (error) => note(error.code)());
      await new Promise((resolve) => setTimeout(resolve, beforeMs));
      order.push("before");
      return true;
    })
    .then(note("erased"));
  await Promise.all([erasing, takingOver]);
  await takingOver;
  const third = await opened();
  const left = await third.read("meta", "", 9);
  await third.erase();
  return { order, left: left.length };
};

/** The first writer erases after the second has taken over. */
window.eraseTooLate = async () => {
  const [first, second] = [await opened(), await opened()];
  await first.write([["put", ...GUARD]], "strict", null);
  await second.write([["put", "meta", "writer", OTHER]], "strict", GUARD);
  let isBeforeDone = false;
  const before = async () => (isBeforeDone = true);
  const refusal = await first.erase(GUARD, before).catch((error) => error.code);
  const left = await second.read("meta", "", 9);
  await second.erase();
  return { refusal, isBeforeDone, left: left.length };
};
