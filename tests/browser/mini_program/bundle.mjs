// Compiles a mini-program's folder for the browser: node bundle.mjs FOLDER RECEIVER.js > bundle.js
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const { TmplGroup } = createRequire(import.meta.url)("glass-easel-template-compiler");
const HERE = dirname(fileURLToPath(import.meta.url));
const [folder, receiver] = process.argv.slice(2).map((path) => resolve(path));
const read = (path) => readFileSync(`${folder}/${path}`, "utf8");

/** WXML as an expression for the framework's template. */
function compiled(wxml) {
  const group = new TmplGroup();
  group.addTmpl("", wxml);
  const code = group.getTmplGenObjectGroups();
  group.free();
  return `(() => { const groupList = ${code}; return { groupList, content: groupList[""] }; })()`;
}

const pages = JSON.parse(read("app.json")).pages.map((path) => {
  const load = `() => require(${JSON.stringify(`${folder}/${path}.js`)})`;
  const parts = [`template: ${compiled(read(`${path}.wxml`))}`, `config: ${read(`${path}.json`)}`];
  return `${JSON.stringify(path)}: { ${[...parts, `load: ${load}`].join(", ")} }`;
});
const contents = `
  import { start } from "./host.js";
  start({ ${pages.join(",\n")} }, () => require(${JSON.stringify(`${folder}/app.js`)}), ${compiled("<slot />")});
`;
// The script of the built runtime, which a mini-program has in a folder of its own.
const shipped = {
  name: "shipped",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/edge\/receiver\.js$/ }, () => ({ path: receiver })),
};
const { outputFiles } = await build({
  stdin: { contents, resolveDir: HERE },
  bundle: true,
  write: false,
  format: "iife",
  plugins: [shipped],
});
process.stdout.write(outputFiles[0].contents);
