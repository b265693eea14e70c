/** A trace as a file for `web-runtime replay`. */

/** @import { Edge } from "../types.js" */

const KEPT_FOR_DOWNLOAD_MS = 10_000;

/**
 * Fetch the trace of the tab that runs Python.
 * @param {Edge | undefined} edge
 * @returns {Promise<{text: string, said: string}>}  No text where there is no trace; what is said then tells why.
 */
export async function fetchTrace(edge) {
  if (typeof edge?.trace !== "function")
    return { text: "", said: "There is no runtime on this page." };
  try {
    const text = await edge.trace();
    const lines = text.split("\n").length - 1;
    return { text, said: `Trace of ${lines} lines saved. Play it with web-runtime replay.` };
  } catch (error) {
    const { code, message } = /** @type {{code?: string, message: string}} */ (error);
    const isOff = code === "argument-invalid";
    return {
      text: "",
      said: isOff ? "No trace is kept: start({trace: true}) keeps one." : message,
    };
  }
}

/** @param {number} nowMs  Unix time. */
export function traceName(nowMs) {
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
  return `edge-trace-${stamp}.jsonl`;
}

/**
 * @param {string} text
 * @param {string} name
 */
export function saveFile(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
  // The page keeps the bytes no longer than the browser needs to take them.
  setTimeout(() => URL.revokeObjectURL(url), KEPT_FOR_DOWNLOAD_MS);
}
