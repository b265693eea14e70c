/** VMs as their owner sees them: started, told, heard, ended; and nothing believed that one of them says. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { EdgeError } from "../../js_shim/errors.js";
import { Machines } from "../../js_shim/host/machines.js";
import { PROTOCOL_VERSION } from "../../js_shim/protocol.js";
import { FakeWorker, greeting } from "./fake-worker.js";

/** @import { TestContext } from "node:test" */

const MEMORY_BYTES = 1024;

/**
 * Machines whose workers greet and then do what `play` wants with their port.
 * @param {TestContext} t
 * @param {(port: MessagePort, options: any) => void} play
 */
function stage(t, play) {
  /** @type {FakeWorker[]} */
  const workers = [];
  /** @type {unknown[]} */
  const heard = [];
  /** @type {string[]} */
  const ended = [];
  const machines = new Machines("https://shop.example/vm.js", () => {
    const worker = new FakeWorker(
      greeting((port, options) => {
        t.after(() => port.close());
        play(port, options);
      }),
    );
    workers.push(worker);
    return worker.asWorker;
  });
  t.after(() => machines.stop());
  const start = () =>
    machines.start(
      MEMORY_BYTES,
      (json, buffers) => heard.push([json, ...buffers.map((each) => [...each])]),
      (reason) => ended.push(reason),
    );
  return { machines, workers, heard, ended, start };
}

/** @param {MessagePort} port */
const ready = (port) => port.postMessage({ kind: "ready" });

/** Let messages arrive. */
async function settled() {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

test("a VM is told its memory, is ready, and answers", async (t) => {
  /** @type {any[]} */
  const started = [];
  const { start, heard } = stage(t, (port, options) => {
    started.push(options);
    port.onmessage = ({ data }) => port.postMessage({ kind: "message", ...data });
    ready(port);
  });

  const machine = start();
  await machine.ready;
  machine.post('{"a":1}', [Uint8Array.of(1, 2), new Uint8Array([0, 7, 0]).subarray(1, 2)]);
  await settled();

  assert.deepEqual(started, [{ memoryBytes: MEMORY_BYTES }]);
  assert.deepEqual(heard, [['{"a":1}', [1, 2], [7]]]);
});

test("a VM of another build does not start: version-mismatch, and its worker is ended", async (t) => {
  /** @type {FakeWorker | undefined} */
  let worker;
  const machines = new Machines("https://shop.example/vm.js", () => {
    worker = new FakeWorker((scope) =>
      scope.postMessage({ kind: "hello", version: PROTOCOL_VERSION, build: "other" }),
    );
    return worker.asWorker;
  });
  t.after(() => machines.stop());

  const { ready } = machines.start(MEMORY_BYTES, assert.fail, assert.fail);

  await assert.rejects(ready, {
    code: "version-mismatch",
    message: /vm\.js: expected build .* reload/,
  });
  assert.ok(worker?.isTerminated);
});

test("a view into another memory keeps its neighbours; the same memory twice goes over", async (t) => {
  const { start, heard } = stage(t, (port) => {
    port.onmessage = ({ data }) => port.postMessage({ kind: "message", ...data });
    ready(port);
  });
  const whole = Uint8Array.of(1, 2, 3, 4);
  const own = Uint8Array.of(9);

  const machine = start();
  await machine.ready;
  machine.post("[]", [whole.subarray(1, 3), own, own]);
  await settled();

  assert.deepEqual([...whole], [1, 2, 3, 4]);
  assert.deepEqual(heard, [["[]", [2, 3], [9], [9]]]);
});

test("a VM that cannot start says why, once", async (t) => {
  const error = new EdgeError("feature-missing", "no wasm here").toPlain();
  const { start, ended, workers } = stage(t, (port) => port.postMessage({ kind: "failed", error }));

  await assert.rejects(start().ready, { code: "feature-missing", message: "no wasm here" });

  assert.deepEqual(ended, []);
  assert.ok(workers[0].isTerminated);
});

test("a VM that breaks is ended, and its owner told once", async (t) => {
  const error = new EdgeError("worker-lost", "the interpreter broke").toPlain();
  /** @type {MessagePort[]} */
  const ports = [];
  const { start, ended, workers, heard } = stage(t, (port) => {
    ports.push(port);
    ready(port);
  });
  await start().ready;

  ports[0].postMessage({ kind: "failed", error });
  ports[0].postMessage({ kind: "failed", error });
  ports[0].postMessage({ kind: "message", json: "1", buffers: [] });
  await settled();

  assert.deepEqual(ended, ["the interpreter broke"]);
  assert.deepEqual(heard, []);
  assert.ok(workers[0].isTerminated);
});

test("a script that fails is no crash of the worker that started it", async (t) => {
  const { start, ended, workers } = stage(t, ready);
  await start().ready;

  assert.ok(workers[0].crash("TypeError: x"));

  assert.match(ended[0], /TypeError: x/);
});

for (const [name, message] of /** @type {[string, any][]} */ ([
  ["no kind", { json: "1", buffers: [] }],
  ["nothing", null],
  ["another kind", { kind: "reply", id: 1 }],
  ["a second ready", { kind: "ready" }],
  ["no text", { kind: "message", json: 1, buffers: [] }],
  ["too long", { kind: "message", json: " ".repeat(16 * 1024 * 1024 + 1), buffers: [] }],
  ["no list", { kind: "message", json: "1", buffers: { length: 0 } }],
  ["a hole", { kind: "message", json: "1", buffers: new Array(1) }],
  ["too many", { kind: "message", json: "1", buffers: new Array(4_000_000_000) }],
  ["no bytes", { kind: "message", json: "1", buffers: ["a"] }],
  [
    "shared bytes",
    { kind: "message", json: "1", buffers: [new Uint8Array(new SharedArrayBuffer(1))] },
  ],
])) {
  test(`a message that is none ends its VM: ${name}`, async (t) => {
    /** @type {MessagePort[]} */
    const ports = [];
    const { start, ended, heard } = stage(t, (port) => {
      ports.push(port);
      ready(port);
    });
    await start().ready;

    ports[0].postMessage(message);
    await settled();

    assert.match(ended[0], /no known shape/);
    assert.deepEqual(heard, []);
  });
}

test("a message that its reader chokes on ends the VM, not the reader", async (t) => {
  const { machines } = stage(t, (port) => {
    ready(port);
    port.postMessage({ kind: "message", json: "no JSON", buffers: [] });
  });
  /** @type {string[]} */
  const ended = [];

  const machine = machines.start(
    0,
    (json) => JSON.parse(json),
    (reason) => ended.push(reason),
  );
  await machine.ready;
  await settled();

  assert.match(ended[0], /cannot be read: SyntaxError/);
});

test("a killed VM is gone at once and says nothing", async (t) => {
  /** @type {MessagePort[]} */
  const ports = [];
  const { start, ended, workers, heard } = stage(t, (port) => {
    ports.push(port);
    ready(port);
  });
  const machine = start();
  await machine.ready;

  machine.kill();
  machine.post("1", []);
  ports[0].postMessage({ kind: "message", json: "1", buffers: [] });
  await settled();

  assert.ok(workers[0].isTerminated);
  assert.deepEqual([ended, heard], [[], []]);
});

test("a VM killed before it is ready was never there", async (t) => {
  const { start, ended } = stage(t, () => {});
  const machine = start();
  await settled();

  machine.kill();

  await assert.rejects(machine.ready, { code: "runtime-stopped" });
  assert.deepEqual(ended, []);
});

test("the end of their owner ends them all", async (t) => {
  let isUp = true;
  const { machines, start, workers } = stage(t, (port) => void (isUp && ready(port)));
  await Promise.all([start().ready, start().ready]);
  isUp = false;
  const booting = start();
  await settled();
  assert.equal(workers.length, 3);

  machines.stop();

  await assert.rejects(booting.ready, { code: "runtime-stopped" });
  assert.ok(workers.every(({ isTerminated }) => isTerminated));
});

test("a worker that the browser refuses is a refusal with advice", () => {
  const machines = new Machines("https://shop.example/vm.js", () => {
    throw new TypeError("requires 'TrustedScriptURL'");
  });

  const start = () =>
    machines.start(
      0,
      () => {},
      () => {},
    );

  assert.throws(start, { code: "boot-failed", message: /TrustedScriptURL.*worker-src/ });
});
