/** IndexedDB connections that a browser cuts: Safari at will, every one when the user deletes site data. */

const NAMES = [
  "InvalidStateError",
  "UnknownError",
  // It was cut while a transaction ran or the database was being opened.
  "AbortError",
  // Another tab added stores between two steps of our opening.
  "VersionError",
];

/**
 * Run `action`; if its connection was cut, let go of that and run it once more.
 * @template T
 * @param {() => Promise<T>} action  Safe to repeat: what was cut off may have been completed all the same. An abort of
 *                                   its own must not reject with an AbortError.
 * @param {() => void} drop          The handle is dead for good and must not be used again.
 * @returns {Promise<T>}
 */
export async function onceMoreIfLost(action, drop) {
  try {
    return await action();
  } catch (error) {
    if (!isLostConnection(error)) throw error;
  }
  drop();
  return action();
}

/** @param {unknown} error */
function isLostConnection(error) {
  return error instanceof DOMException && NAMES.includes(error.name);
}
