/** Keeps the journal and the figures up to date: listens always, asks only while somebody looks. */

import { realTimers } from "../timers.js";

/** @import { Statistics } from "../statistics.js" */
/** @import { Timers } from "../timers.js" */
/** @import { Edge, Heard } from "../types.js" */
/** @import { Journal } from "./journal.js" */

const POLL_MS = 500;
/** What is heard meanwhile is drawn at once. */
const DRAW_MS = 120;
/** @type {Heard[]} */
const HEARD = ["status", "result", "error", "log", "event", "answer"];

/**
 * @typedef {object} Watching
 * @property {() => Edge | undefined} edgeOf  May be there later, or be its queue of commands until then.
 * @property {Journal} journal
 * @property {() => boolean} isSeen           Whether anybody looks, and wants to see what is new.
 * @property {() => void} draw                Something is new.
 * @property {Timers} [timers]
 * @property {() => number} [nowMs]           Unix time.
 */

/** @param {Watching} watching */
export function createWatch({
  edgeOf,
  journal,
  isSeen,
  draw,
  timers = realTimers,
  nowMs = Date.now,
}) {
  /** @type {(() => void)[]} */
  let releases = [];
  /** @type {(() => void) | undefined} */
  let forgetPoll;
  /** @type {(() => void) | undefined} */
  let forgetDraw;
  /** Raised by what makes answers worthless that are on their way. */
  let life = 0;
  let isAsking = false;

  function listen() {
    const edge = edgeOf();
    if (releases.length > 0 || typeof edge?.statistics !== "function") return;
    releases = HEARD.map((name) => edge.on(name, (body) => hear(name, body)));
  }

  /** @param {string} name @param {unknown} body */
  function hear(name, body) {
    journal.take(name, body, nowMs());
    if (!isSeen() || forgetDraw) return;
    forgetDraw = timers.after(DRAW_MS, () => {
      forgetDraw = undefined;
      draw();
    });
  }

  async function ask() {
    const asked = life;
    isAsking = true;
    const found = await answerOf(edgeOf());
    if (asked !== life) return;
    isAsking = false;
    Object.assign(watch, found);
    draw();
    tick();
  }

  /** One question at a time: a runtime under load is not asked more often than it answers. */
  function tick() {
    forgetPoll?.();
    forgetPoll = isSeen() ? timers.after(POLL_MS, look) : undefined;
  }

  function look() {
    if (!isSeen()) return tick();
    listen();
    if (releases.length === 0) tick();
    else if (!isAsking) ask();
  }

  const watch = {
    /** @type {Statistics | undefined} */
    statistics: undefined,
    /** Why there are no figures. */
    trouble: "",

    start: listen,

    /** Whether anybody looks has changed. */
    look,

    stop() {
      life++;
      isAsking = false;
      for (const release of [...releases, forgetPoll, forgetDraw]) release?.();
      releases = [];
      forgetPoll = forgetDraw = undefined;
    },
  };
  return watch;
}

/**
 * @param {Edge | undefined} edge
 * @returns {Promise<{statistics: Statistics | undefined, trouble: string}>}
 */
async function answerOf(edge) {
  try {
    return { statistics: await edge?.statistics(), trouble: "" };
  } catch (error) {
    return { statistics: undefined, trouble: String(/** @type {any} */ (error)?.message) };
  }
}
