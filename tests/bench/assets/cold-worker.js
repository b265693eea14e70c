// Peer for boot figures: stock Pyodide in a module worker, then our core imported from its zip.
onmessage = async ({ data: { pyodideDir, coreZip } }) => {
  const { loadPyodide } = await import(`${pyodideDir}/pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: `${pyodideDir}/` });
  const zip = await (await fetch(coreZip)).arrayBuffer();
  const [site] = pyodide.runPython("import site; site.getsitepackages()").toJs();
  pyodide.unpackArchive(zip, "zip", { extractDir: site });
  pyodide.runPython("import edge_runtime.host.browser, edge_runtime.runtime");
  postMessage("answers");
};
postMessage("loaded");
