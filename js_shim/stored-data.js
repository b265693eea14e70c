/** What this origin has stored of a person: whether there is any, found out without a worker, and how all of it goes. */

import { EdgeError } from "./errors.js";

/** @import { PageSession } from "./page-session.js" */

const DATABASES = /^edge-(store|keys)/;

/** Where the browser does not tell, it may be so; where it has no databases, or lets nobody near, it is not. */
async function hasStoredData() {
  try {
    const all = await indexedDB.databases?.();
    return !all || all.some(({ name }) => DATABASES.test(/** @type {string} */ (name)));
  } catch {
    return false;
  }
}

/**
 * End a session, and leave nothing stored. No worker boots where nothing is.
 * @param {PageSession | undefined} session
 * @param {(() => PageSession) | undefined} open  Another one, which captures nothing; none: nobody knows how yet.
 * @throws {EdgeError} runtime-stopped: something is stored, and nobody knows how to open it. What kept it from erasing; the
 *   session's end has come nevertheless.
 */
export async function endErasing(session, open) {
  const isUp = /booting|ready/.test(`${session?.supervisor.state}`);
  await session?.end(isUp);
  // A run in the middle may have written behind the erasure: once it has ended, another one takes that as well.
  for (let passes = isUp ? 1 : 2; passes > 0 && (await hasStoredData()); passes--) {
    if (!open) throw unknownStore();
    await open().end(true);
  }
}

function unknownStore() {
  const text =
    "consent: expected a start() to open the store with, got none. The next one erases it.";
  return new EdgeError("runtime-stopped", text);
}
