/**
 * Commands of the mini-program that come as the hash of the page's address. They are taken out of it before the page's router
 * hears of them: it sees neither event nor hash.
 */

import { HASH, commandOf } from "./envelope.js";

/** @import { WindowLike } from "./detect.js" */
/** @import { Envelope } from "./envelope.js" */

/**
 * @param {WindowLike} window
 * @param {object} port
 * @param {() => boolean} port.isOpen  Elsewhere than in a mini-program anybody could have made the address.
 * @param {(command: Envelope) => void} port.take
 * @param {(message: string) => void} port.warn
 * @returns {{check: () => void, stop: () => void}}  `check` looks at the address as it is now.
 */
export function watchCommands(window, { isOpen, take, warn }) {
  const { history, location } = window;
  let former = { url: withoutCommand(location.href), state: history.state };
  /** @type {string | undefined} */
  let expected;

  /** @param {string} url */
  function accept(url) {
    try {
      take(commandOf(url.slice(url.indexOf("#"))));
    } catch (error) {
      warn(`${error instanceof Error ? error.message : error}`);
    }
  }

  /** @param {string} url  What the address was before the command. */
  function restore(url) {
    // A router's state of that entry cannot be read any more, unless it was seen.
    const state = url === former.url ? former.state : null;
    try {
      history.replaceState(state, "", url);
    } catch (error) {
      // Engines refuse it to pages that do it too often.
      warn(`command: expected to take it out of the address, got ${error}.`);
    }
  }

  /** @param {Event} event */
  function popped(event) {
    // The hashchange behind it knows the former address.
    if (isOpen() && (expected || isCommand(location.href))) event.stopImmediatePropagation();
    else note();
  }

  /** @param {Event} event */
  function changed(event) {
    const { oldURL, newURL } = /** @type {HashChangeEvent} */ (event);
    if (!isCommand(newURL) || !isOpen()) return note();
    event.stopImmediatePropagation();
    const now = location.href;
    if (isCommand(now)) restore(isCommand(oldURL) ? former.url : oldURL);
    // Two commands in a row: the first event sees the second address, whose own events follow.
    if (isCommand(now) && now !== newURL) expected = now;
    if (newURL === expected) expected = undefined;
    accept(newURL);
  }

  function note() {
    if (!isCommand(location.href)) former = { url: location.href, state: history.state };
  }

  // Where an engine calls the window's own listeners by age, only those of older scripts hear of it.
  window.addEventListener("popstate", popped, true);
  window.addEventListener("hashchange", changed, true);
  return {
    check() {
      const now = location.href;
      if (!isCommand(now) || !isOpen()) return;
      restore(withoutCommand(now));
      accept(now);
    },

    stop() {
      window.removeEventListener("popstate", popped, true);
      window.removeEventListener("hashchange", changed, true);
    },
  };
}

/** @param {string} url */
function isCommand(url) {
  return url.indexOf("#") >= 0 && url.startsWith(HASH, url.indexOf("#"));
}

/** @param {string} url */
function withoutCommand(url) {
  return isCommand(url) ? url.split("#")[0] : url;
}
