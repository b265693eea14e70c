/** The probe tells facts of any browser, in time, whatever it claims to have. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { probe } from "../../js_shim/probe.js";
import { createHandTimers } from "./hand-timers.js";

const never = () => new Promise(() => {});
const NOT_OFFERED = { reason: "this browser or page does not offer it" };

const DESKTOP =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36";
const IOS = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15";

/**
 * @param {Record<string, unknown>} [navigator]
 * @param {Record<string, unknown>} [others]
 */
function browser(navigator = {}, others = {}) {
  return { navigator: { userAgent: DESKTOP, ...navigator }, WebAssembly, Function, ...others };
}

/** @param {Record<string, unknown>} adapter */
function gpu(adapter) {
  return { requestAdapter: async () => ({ features: new Set(), limits: {}, ...adapter }) };
}

/** @param {Record<string, unknown>} info @param {Record<string, unknown>} [adapter] */
async function fallbackOf(info, adapter = {}) {
  const { webgpu } = await probe(true, { scope: browser({ gpu: gpu({ info, ...adapter }) }) });
  return /** @type {any} */ (webgpu).fallback;
}

/** Contexts of WebNN that count how many are open. */
function ml(/** @type {Record<string, any>} */ kinds) {
  const counts = { open: 0 };
  const createContext = async (/** @type {{deviceType: string}} */ { deviceType }) => {
    const { fails, ...kind } = kinds[deviceType];
    if (fails) throw fails;
    counts.open++;
    return { ...kind, opSupportLimits: () => kind.limits, destroy: () => counts.open-- };
  };
  return { counts, createContext };
}

const TFLITE = { preferredInputLayout: "nhwc", maxTensorByteLength: 1 };
const CORE_ML = { preferredInputLayout: "nchw", maxTensorByteLength: 1 };

test("a realm with nothing has nothing, and says so", async () => {
  assert.deepEqual(await probe(true, { scope: {} }), {
    isolated: false,
    cores: 1,
    memoryGb: null,
    saveData: false,
    simd: false,
    relaxedSimd: false,
    jspi: false,
    evalAllowed: false,
    engine: "unknown",
    browserVersion: "",
    mobile: false,
    webgpu: { reason: "Cannot read properties of undefined (reading 'gpu')" },
    webnn: { reason: "Cannot read properties of undefined (reading 'ml')" },
  });
});

test("figures, isolation and instruction sets are told", async () => {
  const scope = browser(
    { hardwareConcurrency: 8, deviceMemory: 16, connection: { saveData: true } },
    { crossOriginIsolated: true, WebAssembly: { validate: WebAssembly.validate, Suspending: 1 } },
  );
  const facts = await probe(true, { scope });

  assert.equal(facts.isolated, true);
  assert.deepEqual([facts.cores, facts.memoryGb, facts.saveData], [8, 16, true]);
  assert.deepEqual([facts.simd, facts.jspi], [true, true]);
  assert.deepEqual([facts.webgpu, facts.webnn], [NOT_OFFERED, NOT_OFFERED]);
});

test("the two instruction sets are told apart", async () => {
  const old = { validate: (/** @type {Uint8Array} */ bytes) => bytes.length < 34 };
  const facts = await probe(true, { scope: browser({}, { WebAssembly: old }) });

  assert.deepEqual([facts.simd, facts.relaxedSimd, facts.jspi], [true, false, false]);
});

for (const [agent, engine, browserVersion, mobile] of /** @type {const} */ ([
  [DESKTOP, "blink", "147.0.0.0", false],
  [
    "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160 MicroMessenger/8",
    "blink",
    "116.0.0.0",
    true,
  ],
  [`${IOS} Version/17.4.1 Mobile/15E148 Safari/604.1`, "webkit", "17.4.1", true],
  [`${IOS} CriOS/130.0 Mobile/15E148 Safari/604.1`, "webkit", "17.4.1", true],
  [`${IOS} Mobile/15E148 MicroMessenger/8.0`, "webkit", "17.4.1", true],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.3 Safari/605.1.15",
    "webkit",
    "26.3",
    false,
  ],
  ["Mozilla/5.0 (X11; Linux; rv:153.0) Gecko/20100101 Firefox/153.0", "gecko", "153.0", false],
  ["something else", "unknown", "", false],
])) {
  test(`the browser is ${engine} ${browserVersion}: ${agent.slice(-40)}`, async () => {
    const facts = await probe(true, { scope: browser({ userAgent: agent }) });

    assert.deepEqual(
      [facts.engine, facts.browserVersion, facts.mobile],
      [engine, browserVersion, mobile],
    );
  });
}

test("a browser that tells its full version is believed", async () => {
  const fullVersionList = [
    { brand: "Not.A/Brand", version: "8.0.0.0" },
    { brand: "Chromium", version: "147.0.7727.55" },
  ];
  const userAgentData = { mobile: true, getHighEntropyValues: async () => ({ fullVersionList }) };
  const facts = await probe(true, { scope: browser({ userAgentData, userAgent: "hidden" }) });

  assert.deepEqual(
    [facts.engine, facts.browserVersion, facts.mobile],
    ["blink", "147.0.7727.55", true],
  );
});

test("an adapter is told as plain data", async () => {
  const scope = browser({
    gpu: gpu({
      info: { vendor: "nvidia", architecture: "ampere", isFallbackAdapter: false },
      features: new Set(["timestamp-query", "shader-f16"]),
      limits: { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 27 },
    }),
  });

  const { webgpu } = await probe(true, { scope });

  assert.deepEqual(webgpu, {
    vendor: "nvidia",
    architecture: "ampere",
    description: "",
    fallback: false,
    features: ["shader-f16", "timestamp-query"],
    maxBufferBytes: 2 ** 32,
    maxStorageBytes: 2 ** 27,
  });
  assert.deepEqual(structuredClone(webgpu), webgpu);
});

test("an adapter in software is known by its flag, in both spellings, or by its name", async () => {
  assert.equal(await fallbackOf({ isFallbackAdapter: true }), true);
  assert.equal(await fallbackOf({}, { isFallbackAdapter: true }), true);
  assert.equal(await fallbackOf({ vendor: "google", architecture: "swiftshader" }), true);
  assert.equal(
    await fallbackOf({ description: "Microsoft Basic Render Driver", isFallbackAdapter: false }),
    true,
  );
  assert.equal(await fallbackOf({ vendor: "intel" }, { isFallbackAdapter: false }), false);
  assert.equal(await fallbackOf({ vendor: "qualcomm" }), false);
});

test("no adapter, and one that fails in any way, are reasons", async () => {
  const broken = [
    [{ requestAdapter: async () => null }, "no adapter on this device"],
    [{ requestAdapter: () => assert.fail("driver") }, "driver"],
    [{ requestAdapter: () => Promise.reject("words") }, "words"],
    [{ requestAdapter: () => Promise.reject(Object.create(null)) }, "it failed without a word"],
    [{ requestAdapter: () => Promise.reject(null) }, "it failed without a word"],
    [{}, "asking.scope.navigator.gpu.requestAdapter is not a function"],
  ];
  for (const [device, reason] of broken) {
    const { webgpu } = await probe(true, { scope: browser({ gpu: device }) });
    assert.match(
      /** @type {any} */ (webgpu).reason,
      new RegExp(/** @type {string} */ (reason).slice(-20)),
    );
  }
});

test("what hangs is given up at the deadline, all at once", async () => {
  const timers = createHandTimers();
  const scope = browser({
    gpu: { requestAdapter: never },
    ml: { createContext: never },
    userAgentData: { getHighEntropyValues: never },
  });
  const probing = probe(true, { scope, timers, deadlineMs: 700 });
  await turn();
  timers.pass(700);
  const facts = await probing;

  const late = { reason: "no answer within 700 ms" };
  assert.deepEqual(facts.webgpu, late);
  assert.deepEqual(facts.webnn, { devices: { cpu: late, gpu: late, npu: late } });
  assert.equal(facts.browserVersion, "147.0.0.0");
});

test("each kind of WebNN context is opened, and let go", async () => {
  const contexts = ml({
    cpu: { limits: TFLITE },
    gpu: { limits: { ...TFLITE, maxTensorByteLength: 2 } },
    npu: { fails: new Error("no such device") },
  });
  const { webnn } = await probe(true, { scope: browser({ ml: contexts }) });

  assert.deepEqual(webnn, { devices: { cpu: {}, gpu: {}, npu: { reason: "no such device" } } });
  assert.equal(contexts.counts.open, 0);
});

test("a context that comes too late, or has no limits, is let go as well", async () => {
  const timers = createHandTimers();
  /** @type {(context: unknown) => void} */
  let resolve = () => {};
  const promise = new Promise((settle) => (resolve = settle));
  let open = 6;
  const destroy = () => open--;
  const late = { createContext: () => promise };
  const probing = probe(true, { scope: browser({ ml: late }), timers });
  await turn();
  timers.pass(5_000);
  await probing;
  resolve({ opSupportLimits: () => TFLITE, destroy });
  const odd = { createContext: async () => ({ destroy }) };
  const { webnn } = await probe(true, { scope: browser({ ml: odd }) });

  assert.match(/** @type {any} */ (webnn).devices.cpu.reason, /opSupportLimits/);
  assert.equal(open, 0);
});

test("the CPU under another name is told where it can be known", async () => {
  const told = async (/** @type {object} */ cpu, /** @type {object} */ gpu) => {
    const contexts = ml({ cpu, gpu, npu: { fails: new Error("none") } });
    const { webnn } = await probe(true, { scope: browser({ ml: contexts }) });
    return /** @type {any} */ (webnn).devices.gpu;
  };
  const onCpu = { reason: "the browser gave the CPU's in its place" };

  assert.deepEqual(await told({ limits: TFLITE }, { limits: TFLITE }), onCpu);
  assert.deepEqual(await told({ limits: CORE_ML }, { limits: CORE_ML }), {});
  assert.deepEqual(await told({ limits: CORE_ML }, { limits: CORE_ML, accelerated: false }), onCpu);
  assert.deepEqual(await told({ limits: TFLITE }, { limits: TFLITE, accelerated: true }), {});
  assert.deepEqual(await told({ fails: new Error("cpu") }, { limits: TFLITE }), {});
});

test("text is compiled only where WebNN is, since a policy may report it", async () => {
  let compiled = 0;
  const counting = function () {
    compiled++;
    return () => true;
  };
  const refusing = () => assert.fail("the policy");
  const contexts = ml({ cpu: { limits: {} }, gpu: { limits: {} }, npu: { limits: {} } });

  const without = await probe(true, { scope: browser({}, { Function: counting }) });
  assert.deepEqual([without.evalAllowed, compiled], [false, 0]);
  const allowed = await probe(true, { scope: browser({ ml: contexts }, { Function: counting }) });
  assert.deepEqual([allowed.evalAllowed, compiled], [true, 1]);
  const refused = await probe(true, { scope: browser({ ml: contexts }, { Function: refusing }) });
  assert.equal(refused.evalAllowed, false);
});

test("getters that throw cost their own fact only", async () => {
  const trap = new Proxy(
    { userAgent: DESKTOP, deviceMemory: 4 },
    {
      get(target, name) {
        if (name in target) return Reflect.get(target, name);
        throw new Error(`no ${String(name)}`);
      },
    },
  );
  const facts = await probe(true, { scope: { ...browser(), navigator: trap } });

  assert.deepEqual([facts.engine, facts.memoryGb, facts.cores], ["blink", 4, 1]);
  assert.deepEqual([facts.webgpu, facts.webnn], [{ reason: "no gpu" }, { reason: "no ml" }]);
});
