import js from "@eslint/js";
import globals from "globals";

const worker = [
  "js_shim/*-worker.js",
  "js_shim/host/*.js",
  "js_shim/boot.js",
  "js_shim/ort-loader.js",
];

// The logic layer of a mini-program has the language and timers.
const logicLayer = ["js_shim/miniprogram/native*.js", "js_shim/miniprogram/receiver.js"];
const withoutDom = Object.fromEntries(Object.keys(globals.browser).map((name) => [name, "off"]));

export default [
  { ignores: ["**/dist/**", "**/node_modules/**"] },
  js.configs.recommended,
  {
    languageOptions: {
      globals: {
        ...globals.browser,
        __BUILD_ID__: "readonly",
        __RUNTIME_WORKER__: "readonly",
        __INFERENCE_WORKER__: "readonly",
        __VM_WORKER__: "readonly",
        __PYODIDE_DIR__: "readonly",
        __CORE_ZIP__: "readonly",
        __SNAPSHOT__: "readonly",
        __ORT_DIR__: "readonly",
      },
    },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-console": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", caughtErrors: "none" }],
    },
  },
  { files: worker, languageOptions: { globals: globals.worker } },
  {
    files: ["demo_h5/miniprogram/**/*.js"],
    languageOptions: {
      sourceType: "commonjs",
      globals: { App: "readonly", Page: "readonly", getApp: "readonly", wx: "readonly" },
    },
    rules: { "no-console": "off" },
  },
  {
    files: logicLayer,
    languageOptions: {
      globals: { ...withoutDom, setTimeout: "readonly", clearTimeout: "readonly" },
    },
  },
  {
    files: [
      "tests/shim/**",
      "tests/contract/*.mjs",
      "tests/browser/**/*.mjs",
      "web_runtime/build/*.mjs",
      "eslint.config.js",
    ],
    languageOptions: { globals: globals.node },
    rules: { "no-console": "off" },
  },
  {
    files: ["tests/bench/assets/*.js", "tests/browser/assets/*.js"],
    languageOptions: {
      globals: { EdgeAI: "readonly", seen: "readonly", startWorker: "readonly", ask: "readonly" },
    },
  },
];
