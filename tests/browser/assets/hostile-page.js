// A shop that an ad shares the page with: it loads first, keeps what it tells the test with from the
// ad, and does its own business afterwards with whatever the ad has left, as any page does.

const own = {
  stringify: JSON.stringify,
  listen: EventTarget.prototype.addEventListener,
  after: setTimeout,
  Promise,
  then: Promise.prototype.then,
  apply: Reflect.apply,
};
const DEADLINE_MS = 20_000;
const business = { clicks: 0, timeouts: 0, promises: 0, errors: [], texts: [] };
const runtime = { status: [], log: [] };

const failed = (text) => void (business.errors[business.errors.length] = text);
own.listen.call(window, "error", ({ message }) => failed(`${message}`));
own.listen.call(window, "unhandledrejection", ({ reason }) => failed(`unhandled: ${reason}`));
window.EdgeAI = { q: [] };
for (const name of ["status", "log"])
  window.EdgeAI.q.push(["on", name, (body) => void (runtime[name][runtime[name].length] = body)]);

/** What a page does: each may fail, and is to fail no differently with the runtime beside it. */
const DEEDS = {
  json: () => JSON.stringify({ list: [1, "two"], none: null }),
  parse: () => Object.keys(JSON.parse('{"a":{"b":1}}').a).join(),
  list: () => [3, 1, 2].map((x) => x * 2).join(),
  keys: () => {
    const found = [];
    for (const key in { a: 1 }) found.push(key);
    return found.join();
  },
  text: () => " a-b ".trim().split("-").join("+"),
  promise: () => void Promise.resolve().then(() => business.promises++),
  timeout: () => void setTimeout(() => business.timeouts++, 10),
  history: () => (history.pushState({}, "", "?seen"), location.search),
  clicks: () =>
    void document.getElementById("buy").addEventListener("click", () => business.clicks++),
};

own.listen.call(document, "DOMContentLoaded", () => {
  for (const [name, deed] of window.deeds) {
    let said;
    try {
      said = deed();
    } catch (error) {
      said = `failed: ${error.message}`;
    }
    business.texts[business.texts.length] = `${name}: ${said}`;
  }
  show("business", "done");
});
window.deeds = Object.entries(DEEDS);

/** Show something where the test can read it whatever the ad has done to scripts. */
function show(id, text) {
  const shown = document.createElement("output");
  shown.id = id;
  shown.textContent = text;
  document.body.append(shown);
}

function report() {
  delete Array.prototype.toJSON;
  delete String.prototype.toJSON;
  show("report", own.stringify({ business, runtime }));
}

/** Call the runtime through the queue, as pages do that may be earlier than it. */
function called(method, ...args) {
  return new own.Promise((resolve) => {
    own.apply(own.after, window, [() => resolve({ hangs: method }), DEADLINE_MS]);
    const refused = (error) =>
      resolve({ error: { number: error?.number, message: String(error?.message ?? error) } });
    const edge = window.EdgeAI;
    if (method === "infer") edge.q.push(["infer", args[0], (ok) => resolve({ ok }), refused]);
    else if (typeof edge[method] !== "function") resolve({ absent: method });
    else own.apply(own.then, edge[method](...args), [(ok) => resolve({ ok }), refused]);
  });
}

const CALLS = [
  ["infer", { systemCode: "test-shop", businessCode: "echo", extData: { list: [1, "two"] } }],
  ["put", "basket", { skus: [1, 2] }],
  ["get", "basket"],
  ["infer", { systemCode: "test-shop", businessCode: "clicks" }],
  ["stop"],
];

async function use() {
  runtime.answers = [];
  for (let i = 0; i < CALLS.length; i++) runtime.answers[i] = await called(...CALLS[i]);
}

// The first listener there is, before any of the ad's.
own.listen.call(
  window,
  "click",
  async ({ target }) => {
    if (target.id === "use") await use();
    if (target.id !== "buy") report();
  },
  true,
);
