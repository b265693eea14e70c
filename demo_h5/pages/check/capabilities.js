/** What the browser offers, each looked at by using it where that is cheap. */

import { refineHost } from "../../../js_shim/miniprogram/detect.js";
import { probe } from "../../../js_shim/probe.js";

/** @import { Facts } from "../../../js_shim/probe.js" */
/** @import { Finding, Step } from "./runner.js" */

const DEADLINE_MS = 6_000;
const SCRATCH = "edge-device-check";

/** @param {unknown} answer @param {string} [value] @returns {Finding} */
const yesNo = (answer, value = answer ? "yes" : "no") => ({ mark: answer ? "yes" : "no", value });

/** @param {string} value @param {string} [short] @returns {Finding} */
const note = (value, short = value) => ({ mark: "note", value, short });

/** @param {Step["code"]} code @param {string} name @param {Step["run"]} run @returns {Step} */
const step = (code, name, run) => ({ code, name, run, deadlineMs: DEADLINE_MS });

/** @param {{reason?: string}} found @param {string} value @returns {Finding} */
const orReason = ({ reason }, value) => yesNo(!reason, reason ?? value);

/** @returns {{device: Step[], browser: Step[]}} */
export function capabilitySteps() {
  const asked = probe();
  const fact = (/** @type {(facts: Facts) => Finding} */ read) => () => asked.then(read);
  return {
    device: [
      step("br", "Browser", fact(browserFinding)),
      step("app", "App", appFinding),
      step(
        "cpu",
        "Processor cores",
        fact(({ cores }) => note(String(cores))),
      ),
      step(
        "mem",
        "Memory",
        fact(({ memoryGb }) => note(memoryGb ? `${memoryGb} GB` : "not told")),
      ),
      step("scr", "Screen", screenFinding),
      step(
        "sav",
        "Data saver",
        fact(({ saveData }) => note(saveData ? "on" : "off")),
      ),
      step("sto", "Storage", storageFinding),
    ],
    browser: [
      step("wasm", "WebAssembly", () => yesNo(typeof WebAssembly === "object")),
      step(
        "simd",
        "… SIMD",
        fact(({ simd }) => yesNo(simd)),
      ),
      step(
        "rsimd",
        "… relaxed SIMD",
        fact(({ relaxedSimd }) => yesNo(relaxedSimd)),
      ),
      step(
        "jspi",
        "… stack switching",
        fact(({ jspi }) => yesNo(jspi)),
      ),
      step("thr", "… threads", threadsFinding),
      step("mw", "Module workers", () => yesNo(hasModuleWorkers())),
      step("idb", "IndexedDB", databaseFinding),
      step("cry", "WebCrypto", cryptoFinding),
      step("lock", "Web Locks", lockFinding),
      step("gpu", "WebGPU", fact(webgpuFinding)),
      step("nn", "WebNN", fact(webnnFinding)),
    ],
  };
}

/** @param {Facts} facts */
function browserFinding({ engine, browserVersion, mobile }) {
  const where = mobile ? "a phone or tablet" : "no phone";
  return note(`${engine} ${browserVersion}, ${where}`, `${engine} ${browserVersion}`);
}

async function appFinding() {
  const { host, isMiniProgram, confidence } = await refineHost();
  if (host === "none") return note("none that is known", "none");
  const app = `${host} ${isMiniProgram ? "mini-program" : "app"}`;
  return note(`${app}, by its ${confidence}`, app);
}

function screenFinding() {
  return note(`${screen.width} × ${screen.height} at ${devicePixelRatio}×`);
}

async function storageFinding() {
  const { usage = 0, quota = 0 } = await navigator.storage.estimate();
  const isKept = await navigator.storage.persisted?.();
  const mega = (/** @type {number} */ bytes) => `${Math.round(bytes / 2 ** 20)} MB`;
  const short = `${mega(usage)}/${mega(quota)}`;
  return note(`${mega(usage)} of ${mega(quota)} used${isKept ? ", kept for good" : ""}`, short);
}

function threadsFinding() {
  if (typeof SharedArrayBuffer !== "function") return yesNo(false, "no shared memory");
  return yesNo(crossOriginIsolated, crossOriginIsolated ? "yes" : "page not isolated");
}

/** An address that is none ends the attempt, but behind the look at the options. */
function hasModuleWorkers() {
  let isRead = false;
  const options = {
    get type() {
      isRead = true;
      return /** @type {const} */ ("module");
    },
  };
  try {
    new Worker("http://[", options).terminate();
  } catch {
    // As meant.
  }
  return isRead;
}

/** @returns {Promise<Finding>} */
function databaseFinding() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(SCRATCH, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("rows");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const writing = opening.result.transaction("rows", "readwrite");
      writing.objectStore("rows").put(new Uint8Array(8), "key");
      writing.onabort = () => reject(writing.error);
      writing.oncomplete = () => {
        opening.result.close();
        indexedDB.deleteDatabase(SCRATCH);
        resolve(yesNo(true));
      };
    };
  });
}

async function cryptoFinding() {
  if (!globalThis.crypto?.subtle) return yesNo(false, isSecureContext ? "no" : "needs https");
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new Uint8Array(16));
  return yesNo(true);
}

async function lockFinding() {
  if (!navigator.locks) return yesNo(false);
  return yesNo(await navigator.locks.request(SCRATCH, () => true));
}

/** @param {Facts} facts */
function webgpuFinding({ webgpu }) {
  if ("reason" in webgpu) return yesNo(false, webgpu.reason);
  const { vendor, architecture, description, fallback } = webgpu;
  const name = [vendor, architecture || description].filter(Boolean).join(" ") || "an adapter";
  return fallback ? yesNo(false, `in software: ${name}`) : yesNo(true, name);
}

/** @param {Facts} facts */
function webnnFinding({ webnn }) {
  if ("reason" in webnn) return yesNo(false, webnn.reason);
  const usable = Object.entries(webnn.devices).filter(([, { reason }]) => !reason);
  const names = usable.map(([name]) => name).join(", ");
  return orReason(names ? {} : { reason: "no device of it" }, names);
}
