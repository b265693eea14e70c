/** An event's props as text: what is deep or large is refused on the page, where that costs only its own event. */

import { invalid } from "./arguments.js";
import { EdgeError } from "./errors.js";
import { EVENT_LIMITS } from "./limits.js";

const STRINGS_AND_BRACKETS = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]/g;

/**
 * Write props as JSON.
 * @param {unknown} props
 * @throws {EdgeError} argument-invalid
 * @throws {TypeError} They are not JSON-able.
 */
export function propsText(props) {
  const json = stringified(props);
  if (!json?.startsWith("{")) throw invalid("track.props", "an object", json);
  if (isLargerThan(EVENT_LIMITS.propsBytes, json)) throw tooMuch(`${json.length} characters`);
  if (nestsDeeperThan(EVENT_LIMITS.propsLevels, json)) throw tooMuch("deeper nesting");
  return json;
}

/** @param {unknown} props @returns {string | undefined} */
function stringified(props) {
  try {
    return JSON.stringify(props);
  } catch (error) {
    // The stack or the longest string did not do; Firefox has an error of its own for the first.
    if (error instanceof RangeError || /** @type {any} */ (error)?.name === "InternalError")
      throw tooMuch("more than the browser can write");
    throw error;
  }
}

/** @param {number} bytes @param {string} json */
function isLargerThan(bytes, json) {
  // A character has one byte or more: what is far too long need not be encoded.
  return json.length > bytes || new TextEncoder().encode(json).length > bytes;
}

/** @param {number} levels @param {string} json */
function nestsDeeperThan(levels, json) {
  // Most texts have too few brackets to be deep.
  if (json.split("[").length + json.split("{").length - 2 <= levels) return false;
  let level = 0;
  for (const [token] of json.matchAll(STRINGS_AND_BRACKETS)) {
    if (token === "]" || token === "}") level--;
    else if (token === "[" || token === "{") level++;
    if (level > levels) return true;
  }
  return false;
}

/** @param {string} got */
function tooMuch(got) {
  const { propsBytes, propsLevels } = EVENT_LIMITS;
  const text = `track.props: expected at most ${propsLevels} levels and ${propsBytes} bytes of JSON, got ${got}. Put less into the event.`;
  return new EdgeError("argument-invalid", text, { path: "track.props" });
}
