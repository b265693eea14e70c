/**
 * What a page has not seen stored when it is left: its worker ends with it, and in that moment nothing can be waited for.
 * So it lies in localStorage until a page of the origin brings it to its own worker, hidden under a pad that was given
 * out for this one letter. The pad was in the page's memory alone; the letter has it sealed, for the core to open.
 */

/** @import { Paper } from "./protocol.js" */

const KEY = "edge-outbox";

export function createOutbox() {
  /** @type {Paper | undefined} */
  let paper;

  return {
    /**
     * Bring the letters of pages that were left, and get paper for this one's.
     * @param {{call: (method: string, params: unknown) => Promise<any>}} rpc
     * @throws Nothing can be stored, so there is no paper either; letters wait for a page that can.
     */
    async exchange(rpc) {
      const letters = localStorage[KEY];
      paper = await rpc.call("outbox", { letters });
      // They are durable. Other pages may have written or brought some meanwhile.
      if (letters) localStorage[KEY] = localStorage[KEY].replace(letters, "");
    },

    /**
     * Write the page's letter in this turn: its latest events, as much as the pad hides; the core leaves out a row cut in two.
     * @param {() => string[]} rows  JSON texts, in order.
     * @throws {TypeError} There is no paper, or no localStorage. What it throws itself: it is full, or forbidden.
     */
    async write(rows) {
      const { seal, pad } = /** @type {Paper} */ (paper);
      // Used twice it would hide nothing.
      paper = undefined;
      const bytes = new TextEncoder().encode(rows().join("\n")).slice(-pad.length);
      const hidden = bytes.map((byte, at) => byte ^ pad[at]);
      localStorage[KEY] = `${localStorage[KEY] ?? ""}${seal} ${hidden}\n`;
    },

    /** Leave no letter, whoever wrote it; throws as `write` does. */
    async clear() {
      delete localStorage[KEY];
    },
  };
}
