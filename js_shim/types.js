/** The public API's shape, documented once for every way of loading it. */

/** @import { InferOptions, StartOptions, TrackOptions } from "./arguments.js" */
/** @import { EdgeError } from "./errors.js" */
/** @import { LogRecord, PlainError, Reload, RunFailure, RunResult, StatusBody } from "./protocol.js" */
/** @import { Router } from "./router.js" */
/** @import { Statistics } from "./statistics.js" */

/**
 * @typedef {object} TrackedEvent  The body of `event`: one that this page captured or tracked.
 * @property {string} id  A run that it asks for is named `<task>-<id>`.
 * @property {number} ts
 * @property {string} type
 * @property {string} pageId
 * @property {string} [clickId]
 * @property {boolean} pv
 * @property {Record<string, unknown>} props
 */

/**
 * @typedef {object} Answer  The body of `answer`: an `infer` of this page is settled.
 * @property {string} systemCode
 * @property {string} businessCode
 * @property {number} tookMs
 * @property {RunResult} [result]   What it resolved with,
 * @property {PlainError} [error]   or rejected with.
 */

/**
 * @typedef {object} Events  What listeners receive, by name.
 * @property {RunResult} result
 * @property {RunFailure} error
 * @property {StatusBody} status
 * @property {LogRecord} log
 * @property {TrackedEvent} event  For development, as is
 * @property {Answer} answer
 */

/** @typedef {keyof Events} Heard */

/**
 * @typedef {object} Edge  The public API.
 * @property {string} version
 * @property {typeof EdgeError} EdgeError
 * @property {(options: StartOptions) => Promise<Edge>} start
 *   Workers boot when the page is idle, or at first use; resolves when the runtime is ready. A second call joins the first.
 *   With `consent: false` it resolves at once, and nothing has begun.
 * @property {(granted: boolean) => Promise<void>} consent
 *   The person's word: true begins what `start` was asked for and resolves when the runtime is ready; false stops it, forgets
 *   what was on its way and erases what this origin has stored.
 * @property {(options: InferOptions) => Promise<RunResult>} infer  Run the task registered for the pair of codes.
 * @property {(event: TrackOptions) => void} track
 *   Add an event by hand; never throws, never blocks. Mistakes arrive as `log` warnings. Where not all find room, exposures are
 *   dropped first, then views and exits, the oldest of each before others.
 * @property {<Name extends keyof Events>(name: Name, listener: (body: Events[Name]) => void) => () => void} on
 *   Listen until the returned function is called.
 * @property {(key: string) => Promise<unknown>} get  The value of a key; null when there is none.
 * @property {(key: string, value: unknown, options?: {encrypted?: boolean}) => Promise<void>} put
 *   Keep a small JSON-able value; durable when the promise resolves. Encrypted or not as the configuration says, unless given.
 * @property {(key: string) => Promise<void>} delete
 * @property {() => Promise<void>} flush  Resolves when everything tracked so far is durable.
 * @property {() => Promise<Readonly<Statistics>>} statistics
 *   One frozen record about queues, lanes, breakers, models, tasks, store and the page's own events and calls.
 * @property {() => Promise<void>} pause   Start no more runs; `infer` is refused, what events trigger waits.
 * @property {() => Promise<void>} resume  Start what waits.
 * @property {(config: StartOptions["config"]) => Promise<PlainError[]>} reconfigure
 *   Use triggers, scheduler limits and bundles of another configuration from now on, in all tabs. Resolves with what does not hold.
 * @property {() => Promise<Reload>} reload
 *   Fetch the bundles again and use those that changed, in all tabs, without a page load. Runs that have begun finish on the
 *   version they have, all others get the new one; what cannot be loaded stays as it was.
 * @property {() => Promise<string>} trace
 *   What the runtime was told and decided so far, as JSON lines for `web-runtime replay`. For development: `start({trace: true})`.
 * @property {() => Promise<void>} erase   Delete every event, value and key of this origin, for all its pages.
 * @property {() => Promise<void>} stop    Leave no listener, worker or patched function behind.
 * @property {Router} router  The native call's mirror.
 */

export {};
