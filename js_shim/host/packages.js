/** Python packages beyond the core, served beside Pyodide and checked against its lock file. */

import { EdgeError } from "../errors.js";

/** @typedef {{name: string, file: string, bytes: Uint8Array}} Wheel */

/**
 * @param {any} python  The Pyodide instance.
 * @param {string} dir  URL of Pyodide's folder, with a slash at its end.
 */
export function createPackages(python, dir) {
  return {
    /**
     * Make packages importable.
     * @param {string[]} names
     * @throws {EdgeError} feature-missing naming what this build does not ship.
     */
    async load(names) {
      const wanted = [...names];
      /** @type {string[]} */
      const said = [];
      const options = {
        messageCallback() {},
        errorCallback: (/** @type {string} */ text) => void said.push(text),
      };
      await python
        .loadPackage(wanted, options)
        .catch((/** @type {unknown} */ error) => said.push(String(error)));
      const missing = wanted.filter((name) => !(name in python.loadedPackages));
      if (missing.length > 0) throw notShipped(missing, said.join(" "));
    },

    /**
     * Fetch a package and what it needs, for an interpreter that has no network.
     * @param {string} name
     * @returns {Promise<Wheel[]>} To be installed in this order.
     * @throws {EdgeError} feature-missing
     */
    async shipped(name) {
      const { packages } = python.lockfile;
      const names = [...withDependencies(packages, name, new Set())];
      return Promise.all(names.map((each) => fetchWheel(dir, each, packages[each])));
    },
  };
}

/**
 * @param {Record<string, any>} packages  Of the lock file.
 * @param {string} name
 * @param {Set<string>} found
 */
function withDependencies(packages, name, found) {
  if (!Object.hasOwn(packages, name)) throw notShipped([name]);
  for (const each of packages[name].depends) {
    if (!found.has(each)) withDependencies(packages, each, found);
  }
  return found.add(name);
}

/**
 * @param {string} dir
 * @param {string} name
 * @param {{file_name: string, sha256: string}} entry
 * @returns {Promise<Wheel>}
 */
async function fetchWheel(dir, name, { file_name: file, sha256 }) {
  const digest = (sha256.match(/../g) ?? []).map((hex) => String.fromCharCode(parseInt(hex, 16)));
  const options = { integrity: `sha256-${btoa(digest.join(""))}` };
  const response = await fetch(`${dir}${file}`, options).catch((error) => error);
  if (!response.ok) throw notShipped([name], `${file}: ${response.status ?? response}`);
  return { name, file, bytes: new Uint8Array(await response.arrayBuffer()) };
}

/**
 * @param {string[]} names
 * @param {string} [said]
 */
function notShipped(names, said = "") {
  const text = `packages: expected ${names.join(", ")} beside the runtime, got nothing usable. ${said}`;
  return new EdgeError("feature-missing", text.trim(), { packages: names });
}
