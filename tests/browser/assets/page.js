// Records everything the runtime says and lets a test await it: under the strict CSP a test cannot
// poll with evaluated strings, so waiting happens here.
window.EdgeAI = window.EdgeAI || { q: [] };
window.seen = { result: [], error: [], status: [], log: [] };
const waiting = new Set();

for (const name of Object.keys(window.seen)) {
  window.EdgeAI.q.push([
    "on",
    name,
    (body) => {
      window.seen[name].push(body);
      for (const check of waiting) check();
    },
  ]);
}

/** Resolve with the first `name` body, seen or to come, that has all of `expected`'s values; or with the `nth`. */
window.until = (name, expected = {}, nth = 1) =>
  new Promise((resolve) => {
    const check = () => {
      const found = window.seen[name].filter((body) =>
        Object.entries(expected).every(([key, value]) => body[key] === value),
      );
      if (found.length >= nth) {
        waiting.delete(check);
        resolve(found[nth - 1]);
      }
    };
    waiting.add(check);
    check();
  });

/** Resolve with the status that ends the boot, whatever it is. */
window.untilStarted = () =>
  Promise.race([
    window.until("status", { state: "ready" }),
    window.until("status", { state: "failed" }),
    window.until("status", { state: "unsupported" }),
  ]);

/** Settle a call into plain data, errors included. */
window.settle = (promise) =>
  promise.then(
    (value) => ({ ok: value }),
    (error) => ({
      error: {
        isEdgeError: error instanceof window.EdgeAI.EdgeError,
        name: error.name,
        code: error.code,
        number: error.number,
        message: error.message,
        details: error.details,
      },
    }),
  );
