/** IndexedDB connections that a browser cuts: Safari at will, every one when the user deletes site data. */

/**
 * Run `action`; if its connection was cut, let go of that and run it once more.
 * @template T
 * @param {() => Promise<T>} action  Safe to repeat: a cut transaction has changed nothing.
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
  // AbortError: it was cut while a transaction ran or the database was being opened.
  const names = ["InvalidStateError", "UnknownError", "AbortError"];
  return error instanceof DOMException && names.includes(error.name);
}
