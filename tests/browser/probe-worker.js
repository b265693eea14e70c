/** A worker that tells what the probe finds in it. */

import { probe } from "../../js_shim/probe.js";

onmessage = async () => postMessage(await probe(true, { deadlineMs: 60_000 }));
