/** Requests, replies and notices over a real pair of ports. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { createRpc } from "../../js_shim/rpc.js";
import { answer, serving } from "../../js_shim/rpc-serving.js";

/** @import { TestContext } from "node:test" */
/** @import { RpcOptions } from "../../js_shim/rpc.js" */
/** @import { Handlers } from "../../js_shim/rpc-serving.js" */

const THE_END = new EdgeError("runtime-stopped", "the test is over");

/**
 * Two ends of a channel, closed after the test.
 * @param {TestContext} t
 * @param {RpcOptions} near
 * @param {RpcOptions} far
 */
function connected(t, near, far) {
  const { port1, port2 } = new MessageChannel();
  const ends = { near: createRpc(port1, near), far: createRpc(port2, far) };
  t.after(() => {
    ends.near.close(THE_END);
    ends.far.close(THE_END);
  });
  return ends;
}

/**
 * A far end with these handlers; the near one asks.
 * @param {TestContext} t
 * @param {Handlers} handlers
 * @param {RpcOptions} [options]
 */
const asking = (t, handlers, options = {}) =>
  connected(t, {}, { serve: serving(handlers), ...options }).near;

const silent = { hang: () => new Promise(() => {}) };

test("a request is answered with its handler's value, whatever the order of answers", async (t) => {
  /** @type {(value: unknown) => void} */
  let release = () => {};
  const rpc = asking(t, {
    slow: () => new Promise((resolve) => (release = resolve)),
    fast: ({ n }) => {
      release("slow");
      return { n: n + 1 };
    },
  });

  const slow = rpc.call("slow", {});
  const fast = rpc.call("fast", { n: 1 });
  assert.equal(rpc.outstanding, 2);

  assert.deepEqual(await Promise.all([slow, fast]), ["slow", { n: 2 }]);
  assert.equal(rpc.outstanding, 0);
});

test("requests and notices arrive in the order they were sent", async (t) => {
  /** @type {unknown[]} */
  const heard = [];
  const { near } = connected(
    t,
    {},
    {
      serve: serving({ ask: (params) => void heard.push(params) }),
      onNotice: (name, body) => heard.push([name, body]),
    },
  );

  near.notify("track", 1);
  const asked = near.call("ask", 2);
  near.notify("track", 3);
  await asked;
  await near.call("ask", 4);

  assert.deepEqual(heard, [["track", 1], 2, ["track", 3], 4]);
});

test("an EdgeError comes back with code, number, message and details", async (t) => {
  const refuse = () => {
    throw new EdgeError("queue-full", "core is full", { queue: "core", limit: 64 });
  };
  const rpc = asking(t, { refuse, later: async () => refuse() });

  for (const method of ["refuse", "later"]) {
    await assert.rejects(rpc.call(method, {}), (error) => {
      assert.ok(error instanceof EdgeError);
      const { code, number, message, details } = error;
      assert.deepEqual(
        { code, number, message, details },
        {
          code: "queue-full",
          number: 5001,
          message: "core is full",
          details: { queue: "core", limit: 64 },
        },
      );
      return true;
    });
  }
});

test("a foreign error takes the code of this border", async (t) => {
  const broken = () => {
    throw new RangeError("too deep");
  };
  const rpc = asking(t, {}, { serve: serving({ broken }, "inference-failed") });

  await assert.rejects(rpc.call("broken", {}), {
    code: "inference-failed",
    message: "RangeError: too deep",
  });
});

for (const method of ["unheard", "constructor", "toString"]) {
  test(`the method ${method} is refused when nobody handles it`, async (t) => {
    const rpc = asking(t, { get: () => null, put: () => null });

    await assert.rejects(rpc.call(method, {}), {
      code: "argument-invalid",
      message: `method: expected one of get, put, got ${method}.`,
    });
  });
}

test("a request without an answer ends at its timeout; a late answer is nobody's", async (t) => {
  /** @type {(value: unknown) => void} */
  let release = () => {};
  const rpc = asking(t, {
    slow: () => new Promise((resolve) => (release = resolve)),
    fast: () => "fast",
  });

  await assert.rejects(rpc.call("slow", {}, { timeoutMs: 5 }), {
    code: "worker-lost",
    message: "slow: expected a reply within 5 ms, got none.",
  });
  assert.equal(rpc.outstanding, 0);
  release("late");

  assert.equal(await rpc.call("fast", {}), "fast");
});

test("closing rejects what is outstanding and what comes after", async (t) => {
  const rpc = asking(t, silent);
  const reason = new EdgeError("worker-lost", "gone");
  const outstanding = [rpc.call("hang", {}), rpc.call("hang", {}, { timeoutMs: 60_000 })];

  rpc.close(reason);
  rpc.close(new EdgeError("runtime-stopped", "later"));
  rpc.notify("track", "nobody hears this");

  const settled = await Promise.allSettled([...outstanding, rpc.call("hang", {})]);
  assert.deepEqual(
    settled.map((one) => one.status === "rejected" && one.reason),
    [reason, reason, reason],
  );
  assert.equal(rpc.outstanding, 0);
});

test("transferred buffers move, both ways", async (t) => {
  const rpc = asking(t, {
    reverse({ data }) {
      const back = new Uint8Array(data).reverse();
      return answer({ data: back.buffer }, [back.buffer]);
    },
  });
  const { buffer } = Uint8Array.of(1, 2, 3);

  const { data } = await rpc.call("reverse", { data: buffer }, { transfer: [buffer] });

  assert.deepEqual([...new Uint8Array(data)], [3, 2, 1]);
  assert.equal(buffer.byteLength, 0);
});

test("a value that only looks like an answer is a value", async (t) => {
  const rpc = asking(t, { get: () => ({ value: 1, transfer: [] }) });

  assert.deepEqual(await rpc.call("get", {}), { value: 1, transfer: [] });
});

test("parameters that cannot be cloned are the caller's mistake", async (t) => {
  const rpc = asking(t, { put: () => null });

  await assert.rejects(rpc.call("put", { value: () => {} }), (/** @type {EdgeError} */ error) => {
    assert.ok(error instanceof EdgeError);
    assert.equal(error.code, "argument-invalid");
    assert.ok(error.message.startsWith("put: expected plain data, got DataCloneError"));
    return true;
  });
  assert.equal(rpc.outstanding, 0);
  assert.equal(await rpc.call("put", {}), null);
});

test("a value that cannot be cloned still gives the caller an answer", async (t) => {
  const rpc = asking(t, {
    get: () => () => {},
    refuse() {
      throw new EdgeError("task-raised", "its details hold a function", { f: () => {} });
    },
  });

  await assert.rejects(rpc.call("get", {}), { code: "worker-lost" });
  await assert.rejects(rpc.call("refuse", {}), {
    code: "task-raised",
    message: "its details hold a function",
    details: {},
  });
});

test("both ends may ask over one channel", async (t) => {
  const { near, far } = connected(
    t,
    { serve: serving({ page: () => "page" }) },
    { serve: serving({ worker: () => "worker" }) },
  );

  const answers = await Promise.all([near.call("worker", {}), far.call("page", {})]);

  assert.deepEqual(answers, ["worker", "page"]);
});
