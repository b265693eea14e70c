/** A BroadcastChannel as a port of an rpc. Both ends of one name hear each other; there are never more than two. */

/** @import { Port } from "./rpc.js" */

/**
 * @typedef {object} Channel  What is needed of a BroadcastChannel.
 * @property {(message: unknown) => void} postMessage
 * @property {((event: MessageEvent) => any) | null} onmessage
 * @property {((event: MessageEvent) => any) | null} onmessageerror
 * @property {() => void} close
 */

/** @typedef {(name: string) => Channel} OpenChannel */

/**
 * @param {Channel} channel
 * @returns {Port}
 */
export function broadcastPort(channel) {
  let isClosed = false;
  /** @type {Port} */
  const port = {
    // Nothing can be transferred to nobody in particular: the other side gets copies. What is said into a closed
    // port is lost, as with a MessagePort; a closed channel would throw.
    postMessage: (message) => isClosed || channel.postMessage(message),
    onmessage: null,
    onmessageerror: null,
    close() {
      isClosed = true;
      channel.onmessage = null;
      channel.onmessageerror = null;
      channel.close();
    },
  };
  channel.onmessage = (event) => port.onmessage?.(event);
  channel.onmessageerror = (event) => port.onmessageerror?.(event);
  return port;
}
