/** Named listeners; one that throws does not silence the others. */

export function createEmitter() {
  /** @type {Map<string, Set<(body: any) => void>>} */
  const listeners = new Map();
  return {
    /**
     * Listen to `name` until the returned function is called.
     * @param {string} name
     * @param {(body: any) => void} listener
     * @returns {() => void}
     */
    on(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      return () => void set.delete(listener);
    },

    /**
     * Call every listener of `name`; what one throws is reported as an uncaught error of the page.
     * @param {string} name
     * @param {unknown} body
     */
    emit(name, body) {
      for (const listener of [...(listeners.get(name) ?? [])]) {
        try {
          listener(body);
        } catch (error) {
          reportError(error);
        }
      }
    },
  };
}
