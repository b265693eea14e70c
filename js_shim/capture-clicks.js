/** Clicks by mouse, finger, keyboard and script on what is marked. */

import { currentPageId } from "./capture-views.js";
import { describe } from "./markup.js";

/** @import { Capturing } from "./capture.js" */

const DISABLED = ":is(button,input,select,textarea):disabled";
const MIDDLE = 1;

/**
 * @param {Capturing} capturing
 * @param {() => void} settle  Count the view that is due, which a click comes behind.
 */
export function watchClicks({ track, warn, guarded, listen }, settle) {
  /** @type {unknown} The control that the browser clicks as well, before the task of a counted click on its label ends. */
  let echoing;

  /** @param {MouseEvent} event */
  function onClick(event) {
    const path = /** @type {any[]} */ (event.composedPath());
    const isAux = event.type === "auxclick";
    if (path[0] === echoing || (isAux && event.button !== MIDDLE)) return;
    settle();
    const click = describe(path, currentPageId, warn);
    // Some engines tell of clicks inside of disabled controls, and of those that scripts make.
    if (!click || path[0].closest?.(DISABLED)) return;
    const props = { ...click.props };
    if (isAux) props.middle = true;
    if (!event.isTrusted) props.untrusted = true;
    track({ ...click, props });
    const control = path.find((node) => node.localName === "label")?.control;
    if (!control || path.includes(control)) return;
    echoing = control;
    setTimeout(guarded(() => (echoing = undefined)));
  }

  listen(window, "click", onClick);
  listen(window, "auxclick", onClick);
}
