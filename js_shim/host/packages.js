/** Python packages beyond the core, served beside Pyodide and checked against its lock file. */

import { EdgeError } from "../errors.js";

/** @param {any} python  The Pyodide instance. */
export function createPackages(python) {
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
      if (missing.length === 0) return;
      const text = `packages: expected ${missing.join(", ")} beside the runtime, got nothing usable. ${said.join(" ")}`;
      throw new EdgeError("feature-missing", text.trim(), { packages: missing });
    },
  };
}
