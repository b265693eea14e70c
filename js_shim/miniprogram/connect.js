/** Joins a runtime and a bridge: the runtime's events go to the mini-program, its commands are carried out. */

import { EdgeError } from "../errors.js";

/** @import { Edge } from "../types.js" */
/** @import { Bridge } from "./bridge.js" */
/** @import { Envelope } from "./envelope.js" */

/** @typedef {"result" | "error" | "status" | "log"} EventName */
/** @typedef {"infer" | "track"} CommandName */

const TOO_MUCH = new EdgeError(
  "task-output-invalid",
  "answer: expected what one message holds, got more, or bytes. Send a key, and the rest by the server.",
).toPlain();

/**
 * @param {Pick<Edge, "on" | "infer" | "track">} edge
 * @param {Bridge} bridge
 * @param {object} [options]
 * @param {readonly EventName[]} [options.types]        Events that are forwarded; default `result` alone.
 * @param {readonly CommandName[]} [options.commands]   Commands that are carried out; default both. The answer to `infer` is an
 *   `answer` message, `{to: the command's id, result}` or `{to, error}`.
 * @param {(type: EventName, body: any) => string | undefined} [options.keyOf]  Of messages with the same key the host gets the latest.
 * @returns {() => void}  Ends it; answers of runs that have begun are dropped.
 */
export function connect(edge, bridge, options = {}) {
  const { types = ["result"], commands = ["infer", "track"], keyOf = () => undefined } = options;
  let isOver = false;

  /** @param {Envelope} command */
  async function infer({ id, body }) {
    const answer = await edge.infer(body).then(
      (result) => ({ to: id, result }),
      (error) => ({ to: id, error: plainError(error) }),
    );
    // Whoever asked hears of it, whatever it came to.
    const instead = { to: id, error: TOO_MUCH };
    if (!isOver) bridge.send("answer", answer, { instead });
  }

  /** @param {Envelope} command */
  function obey(command) {
    const name = commands.find((known) => known === command.type);
    if (name === "infer") void infer(command);
    if (name === "track") edge.track(command.body);
  }

  const offs = types.map((type) =>
    edge.on(type, (body) => void bridge.send(type, body, { key: keyOf(type, body) })),
  );
  offs.push(bridge.onCommand(obey));
  return () => {
    isOver = true;
    offs.forEach((off) => off());
  };
}

/**
 * The runtime is another script: its error class cannot be imported here.
 * @param {any} error
 */
function plainError(error) {
  return typeof error?.toPlain === "function" ? error.toPlain() : { message: String(error) };
}
