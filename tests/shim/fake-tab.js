/** A tab with everything but a page and a real Python: relay, office, follower and terms over fakes. */

import { OFFICE_LIMITS } from "../../js_shim/limits.js";
import { createRelay } from "../../js_shim/relay.js";
import { createTab } from "../../js_shim/tab.js";
import { openTerm } from "../../js_shim/term.js";
import { createPython, createStore, fakeHost } from "./fake-core.js";
import { createOrigin } from "./fake-origin.js";

/** @import { FakeStore } from "./fake-core.js" */
/** @import { Origin } from "./fake-origin.js" */

/** @typedef {ReturnType<typeof openTab>} OpenTab */

const { beatMs, silenceMs, answerMs } = OFFICE_LIMITS;
/** In which a writer that fell silent is replaced: the silence, the looks around it, and the last chance. */
export const REPLACED_MS = silenceMs + answerMs + 2 * beatMs;
const CONFIG = "https://shop.example/config.json";

/**
 * @param {Origin} origin
 * @param {FakeStore} store
 * @param {string} id
 * @param {{python?: Parameters<typeof createPython>[2], isAlone?: boolean, page?: string, config?: string, isErasing?: boolean, startInterpreter?: () => Promise<any>}} [play]
 */
export function openTab(origin, store, id, play = {}) {
  const own = origin.tab();
  const { timers, locks, openChannel } = own;
  const python = createPython(store, id, play.python);
  const base = "https://shop.example/";
  const options = {
    config: play.config ?? CONFIG,
    base,
    page: play.page ?? id,
    loadingMs: 5,
    isErasing: play.isErasing,
  };
  const among = play.isAlone ? undefined : { locks, openChannel };
  /** @type {{name: string, body: any}[]} */
  const heard = [];
  /** @type {Record<string, unknown> | undefined} */
  let reconfigured;
  const relay = createRelay({ timers });
  const tab = createTab({
    id,
    among,
    options,
    relay,
    timers,
    limits: OFFICE_LIMITS,
    notify(name, body) {
      if (name === "reconfigured") reconfigured = body.config;
      heard.push({ name, body });
    },
    openTerm: (duties) =>
      openTerm({
        ...duties,
        options,
        reconfigured: () => reconfigured,
        among,
        timers,
        limits: OFFICE_LIMITS,
        startInterpreter: play.startInterpreter ?? (async () => ({ python, mode: "snapshot" })),
        createHost: fakeHost,
      }),
  });
  tab.join();
  return {
    ...own,
    id,
    tab,
    relay,
    python,
    heard,

    /** States told, the boot's steps left out; each with the role it names. */
    states: () =>
      heard
        .filter(({ name, body }) => name === "status" && body.state !== "booting")
        .map(({ body }) => (body.role ? `${body.state} ${body.role}` : body.state)),

    /** @param {string} name */
    bodies: (name) => heard.filter((each) => each.name === name).map(({ body }) => body),
  };
}

/**
 * Tabs of a new origin, opened one after the other.
 * @param {string[]} ids
 * @param {Parameters<typeof openTab>[3]} [play]
 */
export async function opened(ids, play) {
  const origin = createOrigin();
  const store = createStore();
  const tabs = [];
  for (const id of ids) {
    tabs.push(openTab(origin, store, id, play));
    await origin.pass(beatMs);
  }
  return { origin, store, tabs };
}

/** Params of a `track`. @param {...string} ids */
export const batch = (...ids) => ({
  batch: JSON.stringify(ids.map((id) => [id, 1, "mta", "Home", null, 1, {}])),
});

/**
 * @template T
 * @param {Origin} origin
 * @param {Promise<T>} promise  Settles without the passing of time.
 */
export async function answered(origin, promise) {
  await origin.settle();
  return promise;
}
