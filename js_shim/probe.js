/**
 * What this device offers to inference, as plain data: facts without judgement, which is Python's.
 *
 * Runs where models will run, since a worker has policy and isolation of its own. It never throws, and ends
 * at its deadline: drivers can hang, and a browser may claim an interface that then fails in any way.
 */

import { readAdapter, readWebnn } from "./probe-accelerators.js";
import { attempt, inTime, number, orReason } from "./probe-attempts.js";
import { realTimers } from "./timers.js";
import { hasRelaxedSimd, hasSimd } from "./wasm-features.js";

/** @import { Adapter, ByDevice } from "./probe-accelerators.js" */
/** @import { Asking, Missing } from "./probe-attempts.js" */

/**
 * @typedef {object} Facts
 * @property {boolean} isolated
 * @property {number} cores
 * @property {number | null} memoryGb
 * @property {boolean} simd
 * @property {boolean} relaxedSimd
 * @property {boolean} jspi
 * @property {boolean} evalAllowed   Tried only where WebNN is, which alone needs it: a policy may report each attempt.
 * @property {"blink" | "gecko" | "webkit" | "unknown"} engine
 * @property {string} browserVersion
 * @property {boolean} mobile
 * @property {boolean} saveData
 * @property {Missing | Adapter} webgpu
 * @property {Missing | {devices: ByDevice}} webnn
 */

const NOT_ASKED = { reason: "not looked at yet" };
const MOBILE = /Mobi|Android|iPhone|iPad|iPod/;

/**
 * @param {boolean} [accelerators]    Whether to ask for GPUs and NPUs, whose drivers may take their time.
 * @param {Partial<Asking>} [asking]  What a test replaces; every question has `deadlineMs`, all are asked at once.
 * @returns {Promise<Facts>}
 */
export async function probe(
  accelerators = true,
  { scope = globalThis, timers = realTimers, deadlineMs = 5_000 } = {},
) {
  const asking = { scope, timers, deadlineMs };
  const [browser, webgpu, webnn] = await Promise.all([
    readBrowser(asking),
    accelerators ? orReason(() => readAdapter(asking)) : NOT_ASKED,
    accelerators ? orReason(() => readWebnn(asking)) : NOT_ASKED,
  ]);
  return { ...readWasm(scope), ...readMachine(scope), ...browser, webgpu, webnn };
}

/** @param {any} scope */
function readWasm(scope) {
  return {
    simd: hasSimd(scope),
    relaxedSimd: hasRelaxedSimd(scope),
    jspi: attempt(() => "Suspending" in scope.WebAssembly, false),
  };
}

/** @param {any} scope */
function readMachine(scope) {
  return {
    isolated: attempt(() => scope.crossOriginIsolated === true, false),
    cores: attempt(() => number(scope.navigator.hardwareConcurrency), 0) || 1,
    memoryGb: attempt(() => number(scope.navigator.deviceMemory), 0) || null,
    saveData: attempt(() => scope.navigator.connection?.saveData === true, false),
    evalAllowed: attempt(
      () => Boolean(scope.navigator.ml) && new scope.Function("return true")(),
      false,
    ),
  };
}

/** @param {Asking} asking */
async function readBrowser(asking) {
  const { scope } = asking;
  const agent = attempt(() => String(scope.navigator.userAgent), "");
  const mobile = attempt(() => scope.navigator.userAgentData.mobile, undefined);
  const spoken = spokenVersion(agent);
  try {
    const asked = scope.navigator.userAgentData.getHighEntropyValues(["fullVersionList"]);
    const { fullVersionList } = await inTime(asking, asked);
    const named = fullVersionList.find((/** @type {any} */ { brand }) => brand === "Chromium");
    Object.assign(spoken, { engine: "blink", browserVersion: String(named.version) });
  } catch {
    // Only Chromium's kin tell more than the user agent does, and not on every page.
  }
  return { ...spoken, mobile: typeof mobile === "boolean" ? mobile : MOBILE.test(agent) };
}

/**
 * @param {string} agent
 * @returns {Pick<Facts, "engine" | "browserVersion">}
 */
function spokenVersion(agent) {
  const gecko = /\bFirefox\/([\d.]+)/.exec(agent);
  if (gecko) return { engine: "gecko", browserVersion: gecko[1] };
  const blink = /Chrom(?:e|ium)\/([\d.]+)/.exec(agent);
  if (blink) return { engine: "blink", browserVersion: blink[1] };
  if (!agent.includes("AppleWebKit/")) return { engine: "unknown", browserVersion: "" };
  // Web views of iOS, and other browsers there, tell the system's version alone.
  const webkit = /Version\/([\d.]+)/.exec(agent) ?? / OS (\d+(?:_\d+)*) like Mac/.exec(agent);
  return { engine: "webkit", browserVersion: webkit?.[1].replaceAll("_", ".") ?? "" };
}
