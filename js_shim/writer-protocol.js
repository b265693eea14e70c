/**
 * Messages between the runtime workers of one origin, of which one is the writer and the others are followers. Shapes
 * only: does nothing.
 */

/** @import { PlainError, RuntimeOptions } from "./protocol.js" */

/**
 * Between runtime workers, on the BroadcastChannel `edge-writer`; every message carries `version`.
 *
 * - `beat` Beat: the writer's sign of life, about every second and at once on `who`
 * - `who` {}: anybody there?
 * - `hello` Visit: a follower asks the ready writer to open `channel` for it
 * - `bye` {writer, error?}: its term of office is over; `error`: it did not get at the store in time
 *
 * On a follower's own channel: its page's requests and `cancel` notices, the replies, and the notices `welcome` Welcome,
 * `result`, `error`, `log`, `overruled` and `reconfigured` (before `welcome` as well) of the writer. A follower holds the Web Lock `edge-client:<client>` while it can be reached:
 * whoever is granted it knows that the follower is gone.
 */

/**
 * @typedef {object} Beat
 * @property {"beat"} kind
 * @property {number} version
 * @property {string} writer              Id of its worker.
 * @property {number} term                Greater than any term before it that the writer has heard of.
 * @property {"booting" | "ready"} state
 */

/**
 * @typedef {object} Visit
 * @property {"hello"} kind
 * @property {number} version
 * @property {string} client              Id of the follower's worker.
 * @property {string} page                Whose events and outcomes they are.
 * @property {string} channel             Used for this connection only.
 * @property {string} writer
 * @property {number} term
 */

/**
 * @typedef {object} Welcome  The writer's answer.
 * @property {PlainError[]} problems      As with its `ready` status.
 * @property {RuntimeOptions["config"]} config  Its configuration is the one in force for every tab.
 */

export {};
