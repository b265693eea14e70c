/**
 * The office of the writer: one worker of an origin holds it, by a Web Lock. The others wait for that lock, hear the
 * writer's beats, and take the lock away from one that has fallen silent (frozen, or hanging in Python).
 *
 * Two may believe to be the writer for a while, until the former one wakes up: only the fence inside each write
 * transaction keeps them apart. Terms are numbered, so that beats of a former writer are known as such.
 */

import { createPause, realTimers } from "./timers.js";

/** @import { Channel, OpenChannel } from "./broadcast-port.js" */
/** @import { OfficeLimits } from "./limits.js" */
/** @import { PlainError } from "./protocol.js" */
/** @import { Beat, Visit } from "./writer-protocol.js" */
/** @import { Timers } from "./timers.js" */

/**
 * @typedef {object} OfficeOptions
 * @property {string} id        Of this worker.
 * @property {number} version   Of the protocol; beats of a lower one count as silence.
 * @property {Pick<LockManager, "request">} locks
 * @property {OpenChannel} openChannel
 * @property {Readonly<OfficeLimits>} limits
 * @property {Timers} [timers]
 * @property {() => number} [unixMs]
 */

/**
 * @typedef {object} Duties
 * @property {() => void} onElected             This worker is the writer now.
 * @property {() => void} onDeposed             It is no more, and waits for the office again.
 * @property {(beat: Beat) => void} onBeat      Of the writer, while this worker is none.
 * @property {(writer: string, error?: PlainError) => void} onBye  That writer's term is over, and why it never wrote.
 * @property {(visit: Visit) => void} onHello   A follower asks this writer to be served.
 * @property {(version: number) => void} onNewer  The writer speaks a higher version.
 */

/**
 * @typedef {object} Stand  One wait for the lock, and the term of office it may lead to.
 * @property {AbortController} waiting
 * @property {boolean} isGranted  It has had the lock.
 * @property {boolean} isElected
 * @property {() => void} release
 */

/** @typedef {ReturnType<typeof createOffice>} Office */

const OFFICE = "edge-writer";
const TAKEOVER = "edge-writer-takeover";

/**
 * @param {OfficeOptions} options
 * @param {Duties} duties
 */
export function createOffice({ id, version, locks, openChannel, limits, ...options }, duties) {
  const { timers = realTimers, unixMs = Date.now } = options;
  /** @type {Stand | undefined} None: it takes no part. */
  let stand;
  /** @type {Channel | undefined} */
  let channel;
  /** @type {Beat["state"]} */
  let state = "booting";
  /** The highest heard of; this worker's own while it is the writer. */
  let term = 0;
  /** @type {Beat["state"]} Of the writer, as far as is known. */
  let heardState = "ready";
  let beatsHeard = 0;
  let quietLooks = 0;
  /** @type {AbortController | undefined} */
  let takingOver;
  const lastChance = createPause(timers);
  let forgetLook = () => {};

  const isWriter = () => stand?.isElected === true;
  // Looks are counted, not time: a worker that slept has looked once.
  const isSilent = () =>
    quietLooks * limits.beatMs >=
    (heardState === "booting" ? limits.bootSilenceMs : limits.silenceMs);
  const post = (/** @type {object} */ message) => channel?.postMessage({ version, ...message });
  const beat = () => post({ kind: "beat", writer: id, term, state });

  /**
   * @param {{steal?: boolean}} [how]
   * @returns {Promise<void>} Resolves when the lock is granted, or will never be.
   */
  function request({ steal = false } = {}) {
    /** @type {Stand} */
    const own = {
      waiting: new AbortController(),
      isGranted: false,
      isElected: false,
      release() {},
    };
    stand = own;
    // A request cannot both steal and be withdrawn.
    const how = steal ? { steal } : { signal: own.waiting.signal };
    return new Promise((decided) => {
      const granted = async () => {
        own.isGranted = true;
        await nextLock();
        if (stand !== own) return undefined;
        elect(own);
        decided();
        return new Promise((resolve) => (own.release = () => resolve(undefined)));
      };
      // Stolen; or a place without locks after all (a frame without storage), which writes alone.
      const refused = () => {
        if (stand !== own) return;
        if (own.isElected) depose();
        else if (own.isGranted) request();
        else elect(own);
      };
      locks.request(OFFICE, how, granted).catch(refused).finally(decided);
    });
  }

  /** What happened to the lock while this worker slept is known by the time when it gets another one. */
  const nextLock = () => locks.request(`${OFFICE}:${id}`, () => {}).catch(() => {});

  /** @param {Stand} own */
  function elect(own) {
    own.isElected = true;
    state = "booting";
    // Later than every term heard of; a tab that heard of none is later by the clock.
    term = Math.max(unixMs(), term + 1);
    beat();
    duties.onElected();
  }

  function depose() {
    const former = stand;
    quietLooks = 0;
    request();
    former?.release();
    duties.onDeposed();
  }

  function look() {
    forgetLook = timers.after(limits.beatMs, look);
    if (isWriter()) return beat();
    quietLooks++;
    if (isSilent() && !takingOver) takeOver();
  }

  /** In turn with others; but one that sleeps with its turn in hand is not waited for. */
  async function takeOver() {
    const own = (takingOver = new AbortController());
    const forget = timers.after(limits.courtesyMs, () => own.abort());
    const inTurn = () => {
      forget();
      return stealFromTheSilent();
    };
    await locks.request(TAKEOVER, { signal: own.signal }, inTurn).catch(stealFromTheSilent);
    if (takingOver === own) takingOver = undefined;
  }

  async function stealFromTheSilent() {
    // Who was first in turn may be the writer by now.
    if (!isSilent()) return;
    const own = stand;
    const heardBefore = beatsHeard;
    post({ kind: "who" });
    await lastChance.wait(limits.answerMs);
    if (!own || stand !== own || own.isElected || beatsHeard !== heardBefore) return;
    own.waiting.abort();
    await request({ steal: true });
  }

  /** @param {{data: any}} event */
  function hear({ data }) {
    // Any script of the origin may use the channel's name.
    if (!data?.kind) return;
    if (data.kind === "who") return isWriter() && beat();
    if (data.version > version) return data.kind === "beat" && duties.onNewer(data.version);
    if (data.version < version) return;
    if (data.kind === "hello") return isForUs(data) && duties.onHello(data);
    if (data.kind === "beat") return isNews(data) && heard(data);
    if (data.kind === "bye") return isWriter() || duties.onBye(data.writer, data.error);
  }

  /** @param {Visit} visit */
  const isForUs = (visit) => isWriter() && visit.writer === id && visit.term === term;

  /** @param {Beat} from */
  const isNews = (from) => (isWriter() ? from.term > term : from.term >= term);

  /** @param {Beat} from */
  function heard(from) {
    term = from.term;
    heardState = from.state;
    beatsHeard++;
    quietLooks = 0;
    // This one slept while its lock was stolen.
    if (isWriter()) depose();
    duties.onBeat(from);
  }

  return {
    /** Take part: get the office at once, or wait for it. */
    join() {
      if (stand) return;
      channel = openChannel(OFFICE);
      channel.onmessage = hear;
      quietLooks = 0;
      heardState = "ready";
      forgetLook = timers.after(limits.beatMs, look);
      request();
      post({ kind: "who" });
    },

    /** The writer's runtime is up. */
    announceReady() {
      state = "ready";
      if (isWriter()) beat();
    },

    /** @param {Omit<Visit, "kind" | "version">} visit */
    sayHello: (visit) => post({ kind: "hello", ...visit }),

    /** Give the office back and wait for it again. @param {PlainError} [error]  Why it cannot write. */
    resign(error) {
      if (!isWriter()) return;
      post({ kind: "bye", writer: id, error });
      depose();
    },

    /** Take no part any more; who waits for the lock gets it at once. */
    leave() {
      if (!stand) return;
      if (isWriter()) post({ kind: "bye", writer: id });
      const former = stand;
      stand = undefined;
      forgetLook();
      takingOver?.abort();
      lastChance.cut();
      former.waiting.abort();
      former.release();
      channel?.close();
      channel = undefined;
    },
  };
}
