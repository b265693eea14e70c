#!/usr/bin/env node
// Puts what a page loads where a site serves it as it is: edge-web-runtime FOLDER [--compress]
// Files of an earlier version stay: pages that are open still ask for those.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const VARIANTS = [".br", ".gz", ".zst"];
// The highest quality costs minutes on the largest files and saves little.
const LARGE_BYTES = 4 * 2 ** 20;
const DIGEST = /[.-][0-9a-f]{8}[./]/;

/** @param {string[]} given */
function parsed(given) {
  const [folder, ...more] = given.filter((each) => each !== "--compress");
  if (!folder || folder.startsWith("-") || more.length) {
    console.error("usage: edge-web-runtime FOLDER [--compress]");
    process.exit(2);
  }
  return { folder, compress: given.includes("--compress") };
}

/**
 * @param {string} path
 * @param {Buffer} data
 */
function write(path, data) {
  // Whole or not there: a server may read it at any moment.
  writeFileSync(`${path}.part`, data);
  renameSync(`${path}.part`, path);
}

/** @param {string} path @param {Buffer} data */
function isThere(path, data) {
  return existsSync(path) && readFileSync(path).equals(data);
}

/**
 * @param {string} path
 * @param {string} [sha256]
 */
function read(path, sha256) {
  const data = readFileSync(join(DIST, path));
  const got = createHash("sha256").update(data).digest("hex");
  if (!sha256 || got === sha256) return data;
  throw new Error(`${path}: expected SHA-256 ${sha256}, got ${got}. Install the package again.`);
}

/**
 * @param {string} target
 * @param {Buffer} data
 */
function writeVariants(target, data) {
  const quality = data.length > LARGE_BYTES ? 9 : 11;
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality };
  const packed = {
    ".br": brotliCompressSync(data, { params }),
    ".gz": gzipSync(data, { level: 9 }),
  };
  for (const [suffix, bytes] of Object.entries(packed))
    if (bytes.length < data.length) write(target + suffix, bytes);
}

const { folder, compress } = parsed(process.argv.slice(2));
const manifest = JSON.parse(readFileSync(join(DIST, "manifest.json"), "utf8"));
const isTyping = (/** @type {string} */ path) => path.endsWith(".d.ts");
const paths = [...Object.keys(manifest.files).filter((path) => !isTyping(path)), "manifest.json"];
// Names with a digest first: what refers to them must find them.
paths.sort((a, b) => Number(DIGEST.test(b)) - Number(DIGEST.test(a)));
let bytes = 0;
for (const path of paths) {
  const data = read(path, manifest.files[path]?.sha256);
  const target = join(folder, path);
  bytes += data.length;
  mkdirSync(dirname(target), { recursive: true });
  // A variant that an earlier version left, or of what another tool copied halfway, would be served instead.
  if (!DIGEST.test(path) || !isThere(target, data))
    for (const suffix of VARIANTS) rmSync(target + suffix, { force: true });
  if (!isThere(target, data)) write(target, data);
  // A wheel is packed already.
  if (compress && !path.endsWith(".whl") && !existsSync(`${target}.br`))
    writeVariants(target, data);
}
console.log(
  `${folder}: ${paths.length} files, ${(bytes / 1e6).toFixed(1)} MB, of ${manifest.version}`,
);
for (const [name, value] of Object.entries(manifest.integrity))
  console.log(`${name}: integrity="${value}"`);
