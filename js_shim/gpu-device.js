/** The GPU device of this realm's engine: its errors, which nobody is told by themselves, and its end. */

/**
 * @typedef {object} WatchedDevice
 * @property {() => string | undefined} takeErrors  What went wrong since the last time, in words.
 * @property {() => Promise<string | undefined>} lostReason  Why it was lost, if it was.
 */

/**
 * @param {any} device  A GPUDevice.
 * @param {(reason: string) => void} onLost
 * @returns {WatchedDevice}
 */
export function watchDevice(device, onLost) {
  /** @type {string[]} */
  let errors = [];
  /** @type {Promise<string>} */
  const lost = device.lost.then((/** @type {any} */ info) => info.message || info.reason);
  lost.then(onLost);
  device.addEventListener("uncapturederror", (/** @type {any} */ { error }) => {
    errors.push(`${error.constructor.name}: ${error.message}`);
  });
  return {
    takeErrors() {
      const [first] = errors;
      errors = [];
      return first;
    },
    lostReason: () => Promise.race([lost, nextTurn()]),
  };
}

/** A lost device settles its promises in an order of the browser's choice. */
function nextTurn() {
  return new Promise((resolve) => setTimeout(resolve, 0, undefined));
}
